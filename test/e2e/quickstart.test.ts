/** `npm start` for someone who has nothing yet, and for someone who has half. */
import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Test, test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import { type Running, runPurser, startPurser } from '../support/purser-process.ts'

const run = promisify(execFile)
const hasCurl = ['bash', 'curl'].every((name) => spawnSync(name, ['--version']).status === 0)

const start = async (t: Test, folder: string): Promise<{ running: Running; lines: string[] }> => {
  const running = startPurser(t, folder, ['quickstart'], { env: { PORT: '0' } })
  await running.says(/README/)
  return { running, lines: running.output.stdout.match(/^curl .*$/gm) ?? [] }
}

const stop = async ({ child, ended }: Running): Promise<void> => {
  child.kill('SIGTERM')
  await ended
}

/** Does what someone does who pastes the line into bash; without bash or curl, what curl would do. */
const paste = async (line: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  if (hasCurl) {
    const { stdout } = await run('bash', ['-c', line])
    const [, body = '', status] = /^(.*)\n(\d+)\n$/s.exec(stdout) ?? []
    return { status: Number(status), body: JSON.parse(body) }
  }
  const [, key = '', url = ''] = /'Authorization: Bearer ([^']+)' '([^']+)'/.exec(line) ?? []
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test('In an empty folder the quickstart serves, and the curl lines it prints do what they say', async (t) => {
  const folder = createDirectory(t)
  const { running, lines } = await start(t, folder)
  t.equal(lines.length, 3)
  const [allowed, forbidden, whoami] = await Promise.all(lines.map(paste))
  const { issuedAt, expiresAt } = whoami?.body ?? {}

  t.match(allowed, { status: 200, body: { value: 'Hello from Purser', version: '1' } })
  t.match(forbidden, { status: 403, body: { code: 'access_denied' } })
  t.match(whoami, { status: 200, body: { client: 'demo', mode: /^r$/, environment: 'dev' } })
  const life = Date.parse(String(expiresAt)) - Date.parse(String(issuedAt))
  t.equal(life, 86_400_000, 'the key lives one day')
  t.match(running.output.stdout, /dev mode/)

  const open = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (statSync(join(folder, name)).mode & 0o077) !== 0
  )
  t.strictSame(open, ['purser.yaml'], 'the rest can be read by its owner alone')
  t.strictSame(readdirSync(folder).sort(), ['.env', 'data', 'purser.yaml'])
})

test('A second start goes on with what the first one wrote, and leaves a changed secret alone', async (t) => {
  const folder = createDirectory(t)
  const first = await start(t, folder)
  await stop(first.running)
  const before = ['.env', 'purser.yaml'].map((name) => readFileSync(join(folder, name), 'utf8'))
  const put = ['store', 'put', 'local:demo/greeting']
  await runPurser(t, folder, put, { input: '{"text":"changed","language":"en"}\n' })

  const second = await start(t, folder)
  t.match(await paste(second.lines[0] ?? ''), { status: 200, body: { value: 'changed' } })
  const origin = (line = ''): string => /http:\/\/[^/]+/.exec(line)?.[0] ?? ''
  const [, , oldWhoami = ''] = first.lines
  const again = oldWhoami.replace(origin(oldWhoami), origin(second.lines[2]))
  t.match(await paste(again), { status: 200 }, 'the key of the first start is still good')
  t.strictSame(
    ['.env', 'purser.yaml'].map((name) => readFileSync(join(folder, name), 'utf8')),
    before
  )
})

test('The link to the console that it prints signs in once; a signal prints another', async (t) => {
  const folder = createDirectory(t)
  const { running } = await start(t, folder)
  await running.says(/Another link: kill -USR2 \d+\n/)
  const enter = async (
    link: string
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const { origin, hash } = new URL(link)
    const answer = await fetch(`${origin}/console/api/sign-in/code`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ code: hash.slice('#code='.length) })
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const links = (): string[] => running.output.stdout.match(/^http\S+\/console#code=\S+$/gm) ?? []
  const [first = ''] = links()
  t.match(await enter(first), { status: 200, body: { client: 'operator', signedInBy: 'code' } })
  t.match(await enter(first), { status: 403, body: { code: 'access_denied' } })
  process.kill(Number(/kill -USR2 (\d+)/.exec(running.output.stdout)?.[1]), 'SIGUSR2')
  await running.says(/#code=[\s\S]*#code=\S+\n/)
  t.match(await enter(links().at(-1) ?? ''), { status: 200 })
  const trail = readdirSync(join(folder, 'data', 'audit'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(folder, 'data', 'audit', name), 'utf8'))
    .join('')
  t.match(trail, /"action":"session.open","outcome":"allowed","reason":"code"/)
  t.notMatch(trail, new URL(first).hash.slice('#code='.length))
})

test('Outside dev the quickstart only serves', async (t) => {
  const folder = createDirectory(t)
  await runPurser(t, folder, ['init', '--environment', 'stg', '--port', '8700', '--store', 'local'])
  const running = startPurser(t, folder, ['quickstart'], { env: { PORT: '0' } })
  await running.says(/Server listening/)
  await stop(running)
  t.notMatch(running.output.stdout, /curl|purser_|#code=/)
})

test('Half a configuration is refused with what to do, and nothing is written', async (t) => {
  const halves = [
    { env: {}, file: '.env', missing: /no purser\.yaml/ },
    { env: {}, file: 'purser.yaml', missing: /no \.env/ },
    { env: { ENCRYPTION_KEYS: 'x' }, file: undefined, missing: /no purser\.yaml/ }
  ]
  await Promise.all(
    halves.map(async ({ env, file, missing }) => {
      const folder = createDirectory(t)
      if (file !== undefined) writeFileSync(join(folder, file), '# mine\n')
      const { code, stdout, stderr } = await runPurser(t, folder, ['quickstart'], { env })
      t.equal(code, 1)
      t.equal(stdout, '')
      t.match(stderr, missing)
      t.strictSame(readdirSync(folder), file === undefined ? [] : [file])
    })
  )
})

test('A wizard that would overwrite does nothing; with --force it keeps the former files aside', async (t) => {
  const folder = createDirectory(t)
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  await runPurser(t, folder, ['init', '--environment', 'pre', '--port', '9000', '--store', 'vault'])
  t.match(read('.env'), /^ENVIRONMENT=pre$/m)
  t.match(read('.env'), /^PORT=9000$/m)
  const former = read('.env')

  const both = await runPurser(t, folder, ['init', '--dev', '--environment', 'pro', '--force'])
  t.match(both, { code: 2, stderr: /leave one of the two out/ })
  t.equal(read('.env'), former)

  const refused = await runPurser(t, folder, ['init', '--dev'])
  t.equal(refused.code, 1)
  t.match(refused.stderr, /\.env and purser\.yaml already/)
  t.equal(read('.env'), former)

  const forced = await runPurser(t, folder, ['init', '--dev', '--force'])
  t.equal(forced.code, 0)
  t.match(forced.stderr, /ENCRYPTION_KEYS are no longer accepted/)
  const backup = readdirSync(folder).find((name) => name.startsWith('.env.bak-')) ?? ''
  t.equal(read(backup), former)
  t.equal(statSync(join(folder, backup)).mode & 0o777, 0o600)
  t.match(read('.env'), /^ENVIRONMENT=dev$/m)

  rmSync(join(folder, '.env'))
  t.equal((await runPurser(t, folder, ['init'])).code, 1, 'one file of the two is enough to refuse')
  t.notOk(readdirSync(folder).includes('.env'))
})
