/** The service as a process: what it listens on, how it reloads and how it ends. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import {
  createConfigured,
  get,
  issueKey,
  LOCAL_YAML,
  putLocal,
  serve,
  startPurser,
  writeEnv,
  writeYaml
} from '../support/purser-process.ts'
import { SLOW, startSlowVault } from '../support/slow-vault.ts'
import { listen } from '../support/wire.ts'

// Each has a service of its own, and waits for it more than it computes.
tap.jobs = 3
const beside = { buffered: true }

const reaches = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    const end = (isOpen: boolean) => (): void => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })

const serveSlowVault = async (t: Test) => {
  const vault = await startSlowVault(t)
  const { folder } = createConfigured(t, vault.configuration)
  const service = await serve(t, folder)
  const key = await issueKey(folder)
  const answer = get(`${service.url}${SLOW}`, key)
  const token = await Promise.race([vault.asked, answer.then(() => 'the Vault was not asked')])
  return { ...service, vault, answer, token }
}

test(
  'SIGTERM lets the request under way be answered, takes no other, and ends with exit code 0',
  beside,
  async (t) => {
    const { child, ended, says, url, vault, answer, token } = await serveSlowVault(t)
    t.equal(token, 'hvs.from-the-env-file', 'a credential of a store may stand in .env')
    child.kill('SIGTERM')
    await says(/the service ends/)
    await t.rejects(fetch(`${url}/livez`), 'nobody listens any more')
    vault.release()
    const response = await answer
    t.equal(response.status, 200)
    t.match(await response.json(), { value: 'late' })
    t.match(await ended, { code: 0, signal: null, stderr: '' })
  }
)

test(
  'SIGTERM ends the service within two seconds while others hold connections that ask for nothing',
  beside,
  async (t) => {
    const { folder } = createConfigured(t)
    const { child, ended, url } = await serve(t, folder)
    const port = Number(new URL(url).port)
    const hold = (text: string) =>
      new Promise<void>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        t.teardown(() => socket.destroy())
        socket.on('error', () => {}).once('connect', () => socket.write(text, () => resolve()))
      })
    const head = 'GET /livez HTTP/1.1\r\nHost: a\r\n'
    for (const text of ['G', head, `${head}\r\n`]) {
      for (let n = 0; n < 5; n++) await hold(text)
    }
    const idle = await fetch(`${url}/livez`)
    t.equal(idle.status, 200)
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    t.equal(code, 0)
    t.notMatch(stdout, /cut off/)
  }
)

test(
  'With DRAIN_SECONDS a service is not ready first, and answers for so long all the same',
  beside,
  async (t) => {
    const { folder } = createConfigured(t, { variables: { DRAIN_SECONDS: '3' } })
    const { child, ended, says, url } = await serve(t, folder)
    child.kill('SIGTERM')
    await says(/not ready any more/)
    t.equal((await fetch(`${url}/readyz`)).status, 503)
    const answer = await fetch(`${url}/livez`)
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('connection'), 'close', 'who kept the connection goes elsewhere')
    await says(/the service ends/)
    t.match(await ended, { code: 0, signal: null, stderr: '' })
  }
)

test('A second signal ends the service at once, also while it drains', beside, async (t) => {
  const { folder } = createConfigured(t, { variables: { DRAIN_SECONDS: '600' } })
  const { child, ended, says } = await serve(t, folder)
  child.kill('SIGTERM')
  await says(/not ready any more/)
  // What follows sooner is taken for the echo of the first.
  await sleep(400)
  child.kill('SIGTERM')
  t.match(await ended, { code: 1, signal: null })
})

test('A second signal ends the service at once', beside, async (t) => {
  const { child, ended, says, answer } = await serveSlowVault(t)
  const failure = answer.catch((error: unknown) => error)
  child.kill('SIGTERM')
  await says(/the service ends/)
  // What follows sooner is taken for the echo of the first.
  await sleep(400)
  child.kill('SIGINT')
  const { code, stdout } = await ended
  t.equal(code, 1)
  t.notMatch(stdout, /cut off/, 'and not only when its time is up')
  t.ok((await failure) instanceof Error)
})

test(
  'The service listens on 127.0.0.1 alone, and SIGUSR1 opens no inspector',
  beside,
  async (t) => {
    const { folder } = createConfigured(t)
    const { child, output, url } = await serve(t, folder)
    const port = Number(new URL(url).port)
    t.ok(await reaches('127.0.0.1', port))
    t.notOk(await reaches('127.0.0.2', port))
    t.notOk(await reaches('::1', port))

    const wasOpen = await reaches('127.0.0.1', 9229)
    child.kill('SIGUSR1')
    await sleep(300)
    t.equal((await fetch(`${url}/livez`)).status, 200)
    t.equal(await reaches('127.0.0.1', 9229), wasOpen)
    t.notMatch(output.stderr, /Debugger/)
  }
)

test('The internal routes have a listener of their own if asked for', beside, async (t) => {
  const variables = { INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0' }
  const { folder, variables: all } = createConfigured(t, { variables })
  const { says, url } = await serve(t, folder)
  const [, internal] = await says(/Internal routes at (http[^"]+)/)
  const ask = async (origin: string | undefined): Promise<number> => {
    const headers = {
      'x-internal-secret': all['INTERNAL_SECRET'] ?? '',
      'content-type': 'application/json'
    }
    const init = { method: 'POST', headers, body: '{"all":true}' }
    return (await fetch(`${origin}/internal/cache/invalidate`, init)).status
  }
  t.equal(await ask(internal), 200)
  t.equal(await ask(url), 404)
})

test(
  'SIGHUP takes over a changed purser.yaml and .env as a whole, or nothing of it',
  beside,
  async (t) => {
    const { folder, variables } = createConfigured(t)
    await putLocal(folder, 'other/a', 'a')
    const { child, says, url } = await serve(t, folder)
    const oldKey = await issueKey(folder)
    const secret = `${url}/v1/secrets?ref=local:other/a`
    const status = async (key: string): Promise<number> => (await get(secret, key)).status
    t.equal(await status(oldKey), 403)

    const newKeys = `${variables['ENCRYPTION_KEYS']},${newEncryptionKey()}`
    const changed = { ...variables, ENCRYPTION_KEYS: newKeys, RATE_LIMIT_MAX: '5000' }
    writeEnv(folder, changed)
    const newKey = await issueKey(folder)
    t.equal(await status(newKey), 401, 'the service does not know the new encryption key yet')
    writeYaml(folder, LOCAL_YAML.replace('team', '{team,other}'))
    child.kill('SIGHUP')
    await says(/the configuration was reloaded/)
    t.strictSame(await Promise.all([oldKey, newKey].map(status)), [200, 200])
    const [warning] = await says(/\{[^\n]*changed settings need a restart[^\n]*\}/)
    t.strictSame(JSON.parse(warning).settings, ['RATE_LIMIT_MAX'])

    // A faulty file beside settings that are good: neither is taken over.
    writeEnv(folder, { ...changed, ENCRYPTION_KEYS: newEncryptionKey() })
    writeYaml(folder, LOCAL_YAML.replace('read:', 'reed:'))
    child.kill('SIGHUP')
    const [refusal] = await says(/\{[^\n]*nothing changed[^\n]*\}/)
    t.match(JSON.parse(refusal), { level: 'error', faults: [/^purser\.yaml:6:\d+: .*not a known/] })
    t.strictSame(await Promise.all([oldKey, newKey].map(status)), [200, 200])

    // And the process is none the worse for it; a ring without the key that something kept needs is refused elsewhere.
    writeEnv(folder, changed)
    writeYaml(folder, LOCAL_YAML)
    child.kill('SIGHUP')
    await says(/reloaded.*nothing changed.*reloaded/s)
    t.strictSame(await Promise.all([oldKey, newKey].map(status)), [403, 403])
  }
)

/** A definition of a store that is long in coming, and with it the start of the service. */
const startSlowly = async (t: Test) => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let note = (): void => {}
  const asked = new Promise<void>((resolve) => {
    note = resolve
  })
  const server = createServer(async (_request, response) => {
    note()
    await released
    const SecretString = JSON.stringify({ address: 'http://127.0.0.1:1', token: 'hvs.late' })
    const answer = { ARN: 'arn', Name: 'late', VersionId: 'v'.repeat(36), SecretString }
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer))
  })
  const endpoint = `http://127.0.0.1:${await listen(t, server)}`
  const place = { region: 'eu-west-1', endpoint, secret_id: 'late' }
  const { folder } = createConfigured(t, {
    variables: {
      HASHICORP_VAULT_CONFIG: JSON.stringify([{ from_secret_store: 'AWS', ...place }]),
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'x',
      UPSTREAM_TIMEOUT_MS: '20000'
    }
  })
  const service = startPurser(t, folder, ['serve'])
  await Promise.race([asked, service.ended])
  return { ...service, folder, release }
}

test(
  'SIGTERM during the start ends the service with exit code 0, before anybody was served',
  beside,
  async (t) => {
    const { child, ended, says, release } = await startSlowly(t)
    child.kill('SIGTERM')
    await says(/the service ends/)
    release()
    const { code, signal, stdout, stderr } = await ended
    t.match({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    t.notMatch(stdout, /listening/)
  }
)

test('SIGHUP during the start reloads once the service has started', beside, async (t) => {
  const { child, says, release, folder } = await startSlowly(t)
  writeYaml(folder, LOCAL_YAML.replace('team', 'other'))
  child.kill('SIGHUP')
  release()
  await says(/the configuration was reloaded/)
  const [, url = ''] = await says(/Server listening at (http[^"]+)/)
  const key = await issueKey(folder)
  t.equal((await get(`${url}/v1/secrets?ref=local:other/a`, key)).status, 404)
  t.equal((await get(`${url}/v1/secrets?ref=local:team/a`, key)).status, 403)
})
