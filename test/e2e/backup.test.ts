/** `purser backup` and `purser restore`: a machine that is lost, and all that a restore refuses. */
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createCanary } from '../support/canary.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  get,
  issueKey,
  LOCAL_YAML,
  putLocal,
  runPurser,
  serve,
  writeEnv,
  writeYaml
} from '../support/purser-process.ts'

const KEY_ID = '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55'

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

/** A service with a secret, a revoked key and a trail, and a backup that was made while it ran. */
const backedUp = async (t: Test) => {
  const { folder, variables } = createConfigured(t)
  const canary = createCanary()
  await putLocal(folder, 'team/a', canary.token)
  const service = await serve(t, folder)
  const [key, revoked] = await Promise.all([issueKey(folder), issueKey(folder, { keyId: KEY_ID })])
  await get(`${service.url}/v1/secrets?ref=local:team/a`, key)
  const revocation = await runPurser(t, folder, ['key', 'revoke', KEY_ID])
  t.equal(revocation.code, 0, revocation.stderr)
  const made = await runPurser(t, folder, ['backup', 'safe'])
  t.equal(made.code, 0, made.stderr)
  const again = async (): Promise<void> => {
    service.child.kill('SIGKILL')
    await service.ended
  }
  return { folder, variables, canary, key, revoked, made, service, end: again }
}

/** Another machine, with the settings that were kept apart. */
const anotherMachine = (t: Test, variables: Readonly<Record<string, string>>, backup: string) => {
  const folder = createDirectory(t)
  writeEnv(folder, variables)
  writeYaml(folder, LOCAL_YAML)
  cpSync(backup, join(folder, 'safe'), { recursive: true })
  return { folder, run: (...args: string[]) => runPurser(t, folder, args) }
}

test('What was backed up while the service ran comes back on another machine', async (t) => {
  const { folder, variables, canary, key, revoked, made, service, end } = await backedUp(t)
  const backup = join(folder, 'safe')
  const encryptionKey = variables['ENCRYPTION_KEYS'] ?? ''
  for (const path of filesBelow(backup)) {
    const bytes = readFileSync(path, 'latin1')
    t.notOk(bytes.includes(encryptionKey), `${path} has no encryption key`)
    t.notOk(bytes.includes(canary.token), `${path} has no secret`)
    t.equal(statSync(path).mode & 0o777, 0o600, path)
  }
  for (const path of [backup, join(backup, 'state'), join(backup, 'audit')]) {
    t.equal(statSync(path).mode & 0o777, 0o700, path)
  }
  t.strictSame(canary.findIn(made.stdout + made.stderr), [])
  t.match(await runPurser(t, folder, ['backup', 'safe']), { code: 1, stderr: /is there already/ })

  // What comes later is not in it, and hinders nothing.
  await get(`${service.url}/v1/secrets?ref=local:team/a`, key)
  await end()
  const there = anotherMachine(t, variables, backup)
  rmSync(folder, { recursive: true })

  const restored = await there.run('restore', 'safe')
  t.equal(restored.code, 0, restored.stderr)
  t.match(restored.stdout, /entries, and \d+ lines of the trail in \d files \(ok\)\n$/)
  t.strictSame(
    readdirSync(join(there.folder, 'data')).sort(),
    ['audit', 'state'],
    'nothing is left beside'
  )
  t.equal((await there.run('store', 'get', 'local:team/a')).stdout, `${canary.token}\n`)
  const { url } = await serve(t, there.folder)
  const read = async (apiKey: string): Promise<unknown> =>
    (await get(`${url}/v1/secrets?ref=local:team/a`, apiKey)).json()
  t.match(await read(key), { value: canary.token })
  t.match(await read(revoked), { code: 'invalid_api_key' }, 'a revoked key stays revoked')
  const verified = await there.run('audit', 'verify')
  t.match(verified, { code: 0, stdout: /^ok: / }, 'and the chains go on')
  const records = await there.run('audit', 'search', '--json')
  for (const action of ['state.backup', 'state.restore', 'key.revoke', 'secret.read']) {
    t.match(records.stdout, `"action":"${action}"`)
  }
  t.match(await there.run('restore', 'safe'), { code: 1, stderr: /nothing is overwritten/ })
})

test('A backup is refused whole, and nothing is put in place, where it is not what was made', async (t) => {
  const { folder, variables, end } = await backedUp(t)
  await end()
  const backup = join(folder, 'safe')
  const other = { ...variables, ENCRYPTION_KEYS: newEncryptionKey() }
  const change = (name: string, by: (bytes: Buffer) => Buffer) => (copy: string) => {
    const path = join(copy, name)
    chmodSync(path, 0o600)
    writeFileSync(path, by(readFileSync(path)))
  }
  const flipped = (bytes: Buffer): Buffer => {
    const last = bytes.length - 1
    bytes[last] = (bytes[last] ?? 0) ^ 1
    return bytes
  }
  const replaced = (from: RegExp | string, to: string) => (bytes: Buffer) =>
    Buffer.from(bytes.toString().replace(from, to))
  const [day = ''] = readdirSync(join(backup, 'audit'))
  const cases: [string, Readonly<Record<string, string>>, (copy: string) => void, RegExp][] = [
    ['other keys', other, () => {}, /ENCRYPTION_KEYS lacks the key \S{8}, with which/],
    ['another environment', { ...variables, ENVIRONMENT: 'stg' }, () => {}, /of environment dev/],
    ['a changed state', variables, change('state/data.mdb', flipped), /data\.mdb is not what was/],
    ['a changed trail', variables, change(join('audit', day), flipped), /is not what was copied/],
    [
      'a changed manifest',
      variables,
      change('manifest.json', replaced('"dev"', '"pro"')),
      /was changed/
    ],
    ['another seal', variables, change('manifest.seal', flipped), /was changed/],
    ['no manifest', variables, (copy) => rmSync(join(copy, 'manifest.json')), /no whole backup/],
    [
      'a lost file',
      variables,
      (copy) => rmSync(join(copy, 'state/data.mdb')),
      /data\.mdb of the backup is not there/
    ],
    [
      'a later form',
      variables,
      change('manifest.json', replaced(/"format": 1/, '"format": 2')),
      /form that this version does not know/
    ]
  ]
  for (const [name, settings, spoil, why] of cases) {
    const there = anotherMachine(t, settings, backup)
    spoil(join(there.folder, 'safe'))
    t.match(await there.run('restore', 'safe'), { code: 1, stdout: '', stderr: why }, name)
    const data = join(there.folder, 'data')
    t.strictSame(existsSync(data) ? readdirSync(data) : [], [], `${name}: nothing was put in place`)
  }
})

test('Where the state is in Redis, or there is none, a backup says what to do', async (t) => {
  const { folder } = createConfigured(t)
  const redis = { env: { REDIS_URL: 'redis://127.0.0.1:1' } }
  const inRedis = await runPurser(t, folder, ['backup', 'safe'], redis)
  t.match(inRedis, { code: 1, stderr: /The state is in Redis/ })
  t.match(await runPurser(t, folder, ['restore', 'x'], redis), {
    code: 1,
    stderr: /restore without/
  })
  t.match(await runPurser(t, folder, ['backup', 'safe']), {
    code: 1,
    stderr: /no state in DATA_DIR/
  })
  t.notOk(existsSync(join(folder, 'safe')))
})

/** Ends the process before it renames something of a restore for the so many-th time, or takes the folder of it away, or as `calls` says. */
const killedBefore = (step: number, calls = ['renameSync', 'rmSync']): readonly string[] => {
  const code = `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
let steps = 0
for (const name of ${JSON.stringify(calls)}) {
  const real = fs[name]
  fs[name] = (path, ...rest) => {
    if (/\\/restore(d|\\.[^/]+)(\\/[a-z]+)?$/.test(path) && ++steps === ${step}) process.kill(process.pid, 'SIGKILL')
    return real(path, ...rest)
  }
}
syncBuiltinESMExports()`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}

const STEPS = ['the decision', 'the trail moved', 'the state moved', 'the folder went']

test('A restore that is killed leaves nothing or all, and the next one ends it', async (t) => {
  const { folder, variables, canary, revoked, end } = await backedUp(t)
  await end()
  for (const [i, before] of STEPS.entries()) {
    const there = anotherMachine(t, variables, join(folder, 'safe'))
    const killed = await runPurser(t, there.folder, ['restore', 'safe'], {
      nodeOptions: killedBefore(i + 1)
    })
    t.equal(killed.signal, 'SIGKILL', `before ${before}`)
    const left = readdirSync(join(there.folder, 'data'))
    t.match(left.join(' '), i === 0 ? /restore\.[0-9a-f-]{36}/ : /restored/)
    const commands = [['serve'], ['store', 'get', 'local:team/a'], ['key', 'revoke', KEY_ID]]
    for (const refused of await Promise.all(commands.map((args) => there.run(...args)))) {
      t.match(refused, { code: 1, stdout: '', stderr: /`purser restore` again/ })
    }
    const again = await there.run('restore', 'safe')
    t.match(again, { code: 0, stdout: i === 0 ? / lines of the trail in / : /cut off is done/ })
    t.strictSame(readdirSync(join(there.folder, 'data')).sort(), ['audit', 'state'])
    t.equal((await there.run('store', 'get', 'local:team/a')).stdout, `${canary.token}\n`)
    const inspected = await runPurser(t, there.folder, ['key', 'inspect'], { input: revoked })
    t.match(inspected.stdout, '"revocation"')
    t.match(await there.run('audit', 'verify'), { code: 0, stdout: /^ok: / })
    const records = await there.run('audit', 'search', '--action', 'state.restore', '--json')
    t.equal(records.stdout.match(/"action":"state.restore"/g)?.length, 1, 'on record once')
  }
})

test('A restore that is killed again before it has begun anew leaves no folder that starts as a new one', async (t) => {
  const { folder, variables, canary, end } = await backedUp(t)
  await end()
  const there = anotherMachine(t, variables, join(folder, 'safe'))
  for (const nodeOptions of [killedBefore(1), killedBefore(1, ['mkdirSync'])]) {
    const killed = await runPurser(t, there.folder, ['restore', 'safe'], { nodeOptions })
    t.equal(killed.signal, 'SIGKILL')
    t.match(await there.run('serve'), { code: 1, stderr: /`purser restore` again/ })
  }
  t.match(await there.run('restore', 'safe'), { code: 0 })
  t.strictSame(readdirSync(join(there.folder, 'data')).sort(), ['audit', 'state'])
  t.equal((await there.run('store', 'get', 'local:team/a')).stdout, `${canary.token}\n`)
})

test('A restore that was cut off is ended by its own backup alone', async (t) => {
  const { folder, variables, end } = await backedUp(t)
  t.equal((await runPurser(t, folder, ['backup', 'other'])).code, 0)
  await end()
  const there = anotherMachine(t, variables, join(folder, 'safe'))
  cpSync(join(folder, 'other'), join(there.folder, 'other'), { recursive: true })
  await runPurser(t, there.folder, ['restore', 'safe'], { nodeOptions: killedBefore(3) })
  t.match(await there.run('restore', 'other'), { code: 1, stderr: /of another backup was cut off/ })
  t.match(await there.run('restore', 'safe'), { code: 0, stdout: /cut off is done/ })
})
