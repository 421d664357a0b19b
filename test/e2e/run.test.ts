// `purser run` as it is built, with the service as it is built.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createCanary } from '../support/canary.ts'
import { createDirectory } from '../support/embedded.ts'
import { isInstalled, programOf, skipWithout } from '../support/peers.ts'
import {
  createConfigured,
  issueKey,
  putLocal,
  runPurser,
  type Start,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { listen } from '../support/wire.ts'

const YAML = `stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ["local:team/*", "local:team-app-appsec/*"] }
`

/** A service with secrets, and a folder of the application's, where nothing of Purser's is. */
const setUp = async (t: Test) => {
  const { folder } = createConfigured(t, { yaml: YAML })
  const canary = createCanary()
  await putLocal(folder, 'team/db', JSON.stringify({ user: 'app', password: canary.token }))
  await putLocal(folder, 'team/word', canary.token)
  await putLocal(folder, 'team/nul', 'a\0b')
  await putLocal(folder, 'other/x', canary.token)
  for (const name of ['SMTPPassword', 'TokenKey'])
    await putLocal(folder, `team-app-appsec/${name}`, `of ${name}`)
  const { url } = await serve(t, folder)
  const place = createDirectory(t)
  const keyFile = join(folder, 'app.key')
  writeFileSync(keyFile, `${await issueKey(folder)}\n`, { mode: 0o600 })
  const env = { PURSER_URL: url, PURSER_KEY_FILE: keyFile }
  const run = (args: readonly string[], start: Start = {}) =>
    runPurser(t, place, ['run', ...args], { ...start, env: { ...env, ...start.env } })
  return { folder, place, env, run, canary, url }
}

const inMemory = (t: Test): string => {
  const folder = mkdtempSync('/dev/shm/purser-test-')
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a program gets its secrets in its environment and in files, and its code is ours', async (t) => {
  const { run, canary } = await setUp(t)
  const folder = inMemory(t)
  const file = join(folder, 'word')
  const script = `test "$DB" = "$(cat '${file}')" || exit 1; stat -c %a '${file}'; printf '%s' "$DB" | wc -c; cat; env | grep -c PURSER; exit 7`
  const args = ['--env', 'DB=local:team/db#password', '--file', `${file}=local:team/word`]
  const ended = await run([...args, '--', 'sh', '-c', script], { input: 'from stdin\n' })
  t.match(ended, { code: 7, stderr: '' })
  const length = String(Buffer.byteLength(canary.token))
  t.strictSame(
    ended.stdout.split('\n').map((line) => line.trim()),
    ['600', length, 'from stdin', '0', '']
  )
  t.strictSame(readdirSync(folder), [], 'and the file is gone')
})

test('a program starts only if all of it is there, and no value is told', async (t) => {
  const { run, place, canary } = await setUp(t)
  const started = join(place, 'started')
  const then = ['--wait', '0', '--', 'touch', started]
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['--env', 'A=local:team/word', '--env', 'B=local:team/none'],
      /local:team\/none: secret_not_found/
    ],
    [['--env', 'A=local:team/word', '--env', 'B=local:other/x'], /local:other\/x: access_denied/],
    [['--env', 'A=local:team/db'], /local:team\/db: field_required/],
    [['--env', 'A=local:team/nul'], /local:team\/nul: unfit: It holds a NUL/],
    [['--all-below', 'local:other/', '--as', 'files'], /local:other\/: nothing_found/],
    [['--file', `${place}/x=local:team/word`], /stands on no tmpfs/]
  ]
  for (const [args, message] of cases) {
    const ended = await run([...args, ...then])
    t.match(ended, { code: 125, stdout: '', stderr: message })
    t.match(ended.stderr, /^(purser run: [^\n]+\n)+$/)
    t.strictSame(canary.findIn(ended.stderr), [])
  }
  const away = await run(['--env', 'A=local:team/word', ...then], {
    env: { PURSER_URL: 'http://127.0.0.1:1' }
  })
  t.match(away, { code: 125, stderr: /unreachable: .*ECONNREFUSED/ })
  t.notOk(existsSync(started))
  const usage = await run(['--env', 'A=local:team/word'])
  t.match(usage, { code: 2 })
  const none = await run(['--env', 'A=local:team/word', '--', '/no/such/program'])
  t.match(none, { code: 127, stderr: 'purser run: /no/such/program: is not there.\n' })
})

test('a file that was there before is refused, and stays', async (t) => {
  const { run, place } = await setUp(t)
  const file = join(place, 'config.json')
  writeFileSync(file, 'precious')
  const folder = inMemory(t)
  writeFileSync(join(folder, 'TokenKey'), 'precious')
  const group = ['--all-below', 'local:team-app-appsec/', '--as', 'files', '--into', folder]
  const cases = [['--allow-disk', '--file', 'config.json=local:team/word'], group]
  for (const args of cases) {
    const ended = await run([...args, '--', '/no/such/program'])
    t.match(ended, { code: 125, stdout: '', stderr: /stands there already/ })
  }
  t.equal(readFileSync(file, 'utf8'), 'precious')
  t.strictSame(readdirSync(folder), ['TokenKey'])
  t.equal(readFileSync(join(folder, 'TokenKey'), 'utf8'), 'precious')
})

test('a key file that everybody can use, or that is not used, is told of', async (t) => {
  const { run, place, env } = await setUp(t)
  const args = ['--env', 'A=local:team/word', '--wait', '0', '--', 'true']
  chmodSync(env.PURSER_KEY_FILE, 0o644)
  t.match(await run(args), { code: 0, stderr: /^purser run: Everybody .*chmod 600\.\n$/ })
  const token = join(place, 'token')
  writeFileSync(token, 'no.token.this')
  const both = await run(['--token-file', token, ...args])
  t.match(both, { code: 125, stderr: /PURSER_KEY_FILE is not used/ })
})

test('a run takes no file of one that goes on, and removes those of one that was killed', async (t) => {
  const { run, place, env } = await setUp(t)
  const file = join(inMemory(t), 'word')
  const group = ['--all-below', 'local:team-app-appsec/', '--as', 'files']
  const args = ['--file', `${file}=local:team/word`, ...group, '--']
  const script = 'echo $$ $PURSER_FILES; exec sleep 600 >/dev/null 2>&1'
  const running = startPurser(t, place, ['run', ...args, 'sh', '-c', script], { env })
  await running.says(/purser-run/)
  const [pid, own = ''] = running.output.stdout.trim().split(' ')
  t.teardown(() => process.kill(Number(pid), 'SIGKILL'))
  t.match(await run([...args, 'true']), { code: 125, stderr: /is a file of another purser run/ })
  t.ok(existsSync(file))
  t.ok(existsSync(own))
  running.child.kill('SIGKILL')
  await running.ended
  t.ok(existsSync(file))
  t.match(await run([...args, 'sh', '-c', `test -s ${file}`]), { code: 0, stderr: '' })
  t.notOk(existsSync(file))
  t.notOk(existsSync(own), 'and the folder of the killed one')
})

test("./.env is the program's own: it is neither read nor asked for", async (t) => {
  const { run, place, env, canary } = await setUp(t)
  const file = join(place, '.env')
  // Others may read it, it has a fault of syntax, and what it says would lead elsewhere.
  writeFileSync(
    file,
    `PURSER_URL=http://127.0.0.1:1\nENVIRONMENT=pro\nSHOWN=${canary.token}\n"\n`,
    { mode: 0o644 }
  )
  const args = [
    '--env',
    'A=local:team/word',
    '--',
    'sh',
    '-c',
    'env | grep -c SHOWN; cat .env | wc -l'
  ]
  t.match(await run(args), { code: 0, stderr: '', stdout: /^0\n *4\n$/ })
  const without = await runPurser(t, place, ['run', ...args], {
    env: { PURSER_KEY_FILE: env.PURSER_KEY_FILE }
  })
  t.match(without, { code: 2, stdout: '', stderr: /PURSER_URL/ })
  const named = await run(['--env-file', '.env', ...args])
  t.match(named, { code: 2, stdout: '', stderr: /reads no file of settings/ })
})

test('./.env is not even opened', async (t) => {
  if (skipWithout(t, await isInstalled('strace'))) return
  const { run, place } = await setUp(t)
  writeFileSync(join(place, '.env'), 'ENVIRONMENT=pro\n')
  const trace = join(place, 'trace')
  const under = [programOf('strace') ?? '', '-f', '-e', 'trace=%file', '-o', trace]
  await run(['--env', 'A=local:team/word', '--', 'true'], { under })
  const calls = readFileSync(trace, 'utf8')
  t.match(calls, /app\.key/, 'files are seen')
  t.notMatch(calls, /\.env"/)
})

test('a whole group comes at once, as files or as variables with a prefix', async (t) => {
  const { run } = await setUp(t)
  const prefix = 'local:team-app-appsec/'
  const folder = join(inMemory(t), 'made')
  const files = ['--all-below', prefix, '--as', 'files', '--into', folder, '--']
  t.match(await run([...files, 'sh', '-c', `cd '${folder}'; stat -c '%n %a' *; cat TokenKey`]), {
    code: 0,
    stdout: 'SMTPPassword 600\nTokenKey 600\nof TokenKey'
  })
  t.notOk(existsSync(folder))
  const own = ['--all-below', prefix, '--as', 'files', '--', 'sh', '-c']
  const shown = await run([
    ...own,
    'echo $PURSER_FILES; stat -c %a $PURSER_FILES; ls $PURSER_FILES'
  ])
  const [where = '', ...rest] = shown.stdout.split('\n')
  t.match(where, /^\/dev\/shm\/purser-run-/)
  t.strictSame(rest, ['700', 'SMTPPassword', 'TokenKey', ''])
  t.notOk(existsSync(where))
  const env = ['--all-below', prefix, '--as', 'env', '--env-prefix', 'APP_', '--']
  t.match(await run([...env, 'sh', '-c', 'env | grep ^APP_ | sort']), {
    stdout: 'APP_SMTPPASSWORD=of SMTPPassword\nAPP_TOKENKEY=of TokenKey\n'
  })
})

test('with --redact what the program prints has no value, and all else of it', async (t) => {
  const { run, canary } = await setUp(t)
  const script = `
    printf 'a %s b\n' "$A"; printf '%s' "$A" | base64 -w0; echo
    printf '%s' "$A" | head -c 9; sleep 0.1; printf '%s' "$A" | tail -c +10; echo
    echo "$A" >&2; yes line | head -n 20000; exit 3`
  const ended = await run(['--redact', '--env', 'A=local:team/word', '--', 'sh', '-c', script])
  t.equal(ended.code, 3)
  t.strictSame(canary.findIn(ended.stdout + ended.stderr), [])
  const [first, second, third, ...lines] = ended.stdout.split('\n')
  t.equal(first, 'a [redacted] b')
  t.match(second, /^\[redacted\]=*$/)
  t.equal(third, '[redacted]')
  t.equal(ended.stderr, '[redacted]\n')
  t.equal(lines.length, 20_001)
})

test('signals reach the program, and its end by one is told', async (t) => {
  const { place, env } = await setUp(t)
  const begin = async (script: string) => {
    const args = [
      'run',
      '--env',
      'A=local:team/word',
      '--',
      'sh',
      '-c',
      `${script}; echo there; while :; do sleep 0.05; done`
    ]
    const running = startPurser(t, place, args, { env })
    await running.says(/there/)
    return running
  }
  for (const signal of ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2'] as const) {
    const running = await begin(`trap 'echo got ${signal}; exit 9' ${signal}`)
    running.child.kill(`SIG${signal}`)
    t.match(await running.ended, { code: 9, stdout: `there\ngot ${signal}\n` }, signal)
  }
  const plain = await begin(':')
  plain.child.kill('SIGTERM')
  t.match(await plain.ended, { code: 143, signal: null })
})

test('a run that is told to end before its program is there ends', async (t) => {
  const { place, env } = await setUp(t)
  const args = ['run', '--env', 'A=local:x', '--wait', '60', '--', 'true']
  const running = startPurser(t, place, args, { env: { ...env, PURSER_URL: 'http://127.0.0.1:1' } })
  await eventually(() => running.output.stderr.includes('tried again'))
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 143, stdout: '' })
})

test('a run that is told to end while its login is not answered ends at once', async (t) => {
  const place = createDirectory(t)
  const token = join(place, 'token')
  writeFileSync(token, 'a.b.c', { mode: 0o600 })
  let isAsked = false
  const server = createServer(() => {
    isAsked = true
  })
  const env = { PURSER_URL: `http://127.0.0.1:${await listen(t, server)}` }
  const args = ['run', '--token-file', token, '--env', 'A=local:x', '--', 'true']
  const running = startPurser(t, place, args, { env })
  await eventually(() => isAsked)
  const before = performance.now()
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 143, stdout: '' })
  t.ok(performance.now() - before < 5_000)
})
