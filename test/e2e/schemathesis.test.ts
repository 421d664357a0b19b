/**
 * The running service is what openapi.yaml says: asked by a tool that nobody here wrote, with what the description allows and
 * with what it does not, by three callers. What the tool must not count is in test/support/schemathesis/.
 */
import { spawn } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import tap, { type Test } from 'tap'
import { startDirectLine } from '../support/fake-direct-line.ts'
import { randomSecret } from '../support/keys.ts'
import { isInstalled, programOf, skipWithout } from '../support/peers.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  startPurser
} from '../support/purser-process.ts'

const SUPPORT = resolve('test/support/schemathesis')
const DIRECT_LINE_SECRET = randomSecret()
const PHASES = 'examples,coverage,fuzzing,stateful'

/** What the examples of openapi.yaml ask for is there. */
const yaml = (directLine: string): string => `
stores:
  - { name: aws, kind: local }
policies:
  - { client: [app, aos-app], read: ['aws:**'], write: ['aws:**'], bots: ['*'], channels: ['*'] }
secrets:
  smtp-password: aws:acme-pro-dbcfg/main
providers:
  - { name: my-provider, type: google, credentials: { clientEmail: service@example.com } }
bots:
  - name: sample-bot
    provider: my-provider
    credentialsSecrets: { botSecret: 'aws:acme-pro-dbcfg/main#password' }
channels:
  - { name: webchat, bot: sample-bot, secrets: ['aws:directline-key1'], endpoint: '${directLine}', trustedOrigins: [] }
`

/** Channels made at run time lead to Microsoft's hosts, which are not asked. */
const STAY_HERE = ['--import', join(SUPPORT, 'stay-here.mjs')]

interface Caller {
  readonly key?: string
  readonly internalSecret?: string
}

interface Outcome {
  readonly code: number | null
  readonly told: string
  readonly cases: number
  readonly operations: number
}

/** What schemathesis reads from its environment. */
const variable = (name: string): string => `"\${${name}}"`

const configurationOf = ({ key, internalSecret }: Caller): string =>
  [
    readFileSync(join(SUPPORT, 'schemathesis.toml'), 'utf8'),
    ...(key === undefined ? [] : [`[auth.openapi.bearer]\nbearer = ${variable('PURSER_KEY')}`]),
    ...(internalSecret === undefined
      ? []
      : [`[auth.openapi.internalSecret]\napi_key = ${variable('PURSER_INTERNAL_SECRET')}`])
  ].join('\n')

const keyIdOf = async (url: string, { key }: Caller): Promise<string> => {
  if (key === undefined) return ''
  return ((await (await get(`${url}/v1/whoami`, key)).json()) as { keyId: string }).keyId
}

/** `examples`: how many cases each operation is fuzzed with, at most. */
const holdTo = async (t: Test, url: string, caller: Caller, examples: number): Promise<Outcome> => {
  const folder = t.testdir({ 'schemathesis.toml': configurationOf(caller) })
  copyFileSync(join(SUPPORT, 'hooks.py'), join(folder, 'purser_hooks.py'))
  const args = ['--config-file', 'schemathesis.toml', 'run', resolve('openapi.yaml')]
  const how = ['--url', url, '--checks', 'all', '--phases', PHASES, '-n', String(examples)]
  const child = spawn(programOf('schemathesis') ?? '', [...args, ...how], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      SCHEMATHESIS_HOOKS: 'purser_hooks',
      PURSER_KEY: caller.key ?? '',
      PURSER_KEY_ID: await keyIdOf(url, caller),
      PURSER_INTERNAL_SECRET: caller.internalSecret ?? ''
    }
  })
  t.teardown(() => child.kill('SIGKILL'))
  let told = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text
    })
  }
  const code = await new Promise<number | null>((done) => child.once('close', done))
  const figure = (pattern: RegExp): number => Number(pattern.exec(told)?.[1] ?? 0)
  return {
    code,
    told,
    cases: figure(/^ {2}(\d+) generated/m),
    operations: figure(/^ {2}Tested: (\d+)/m)
  }
}

const held = (t: Test, { code, told, cases, operations }: Outcome, atLeast: number): void => {
  t.equal(code, 0, told)
  t.ok(cases >= atLeast, `${cases} cases`)
  t.comment(`${cases} cases`)
  // All but the stream, which does not end.
  t.equal(
    operations,
    (readFileSync('openapi.yaml', 'utf8').match(/operationId:/g)?.length ?? 0) - 1
  )
}

tap.test('what the description says holds for every caller', async (t) => {
  if (skipWithout(t, await isInstalled('schemathesis'))) return
  const directLine = await startDirectLine(t, [DIRECT_LINE_SECRET])
  const { folder, variables } = createConfigured(t, {
    yaml: yaml(directLine.url),
    variables: { DOCS_ENABLED: 'true', ALLOW_ADMIN_WRITE: 'true', RATE_LIMIT_ENABLED: 'false' }
  })
  await putLocal(folder, 'acme-pro-dbcfg/main', '{"password":"a","user":"b"}', 'aws')
  await putLocal(folder, 'directline-key1', DIRECT_LINE_SECRET, 'aws')
  const admin = await issueKey(folder, { scopes: ['aura-services', 'aura-admin'], mode: 'rw' })
  const plain = await issueKey(folder, { scopes: ['aura-services'], mode: 'rw' })
  const running = startPurser(t, folder, ['serve'], { nodeOptions: STAY_HERE })
  const [, url = ''] = await running.says(/Server listening at (http[^"]+)/)
  const internalSecret = variables['INTERNAL_SECRET'] ?? ''

  await t.test('an administrator, who has the internal secret too', async (t) => {
    const outcome = await holdTo(t, url, { key: admin, internalSecret }, 10)
    held(t, outcome, 1_500)
    t.equal((await get(`${url}/v1/admin/config`, admin)).status, 200, 'he is still one')
  })

  await t.test('a program with a key', async (t) => {
    const outcome = await holdTo(t, url, { key: plain }, 3)
    held(t, outcome, 1_000)
    t.equal((await get(`${url}/v1/whoami`, plain)).status, 200, 'its key is still good')
  })

  await t.test('somebody without a key', async (t) => {
    const outcome = await holdTo(t, url, {}, 3)
    held(t, outcome, 1_000)
  })
  t.match(await (await fetch(`${url}/readyz`)).json(), { status: 'ok' })
  t.equal(running.child.exitCode, null)
})
