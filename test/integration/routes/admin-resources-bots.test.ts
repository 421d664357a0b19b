// Bots and providers that administrators configure while the service runs: checked, sealed, recorded, and found again.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { buildApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config/config.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { rewrapResources } from '../../../src/integrations/resource-entries.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { openState } from '../../support/embedded.ts'
import { asAdmin, asBots, issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, bots: ['run-*', of-file] }
providers:
  - { name: google, credentials: { clientEmail: of-file } }
bots:
  - { name: of-file, provider: google }
`
const WRITES = { ALLOW_ADMIN_WRITE: 'true' }

test('a bot that was put is served with its provider, replaced when put again, and gone when deleted', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML, env: WRITES })
  await app.seed('local', 'a', 'from the store')
  const admin = await app.as('admin', 'rw', asAdmin)
  const { ask } = await app.as('app', 'r', asBots)
  const put = (url: string, body: object) => admin.ask('PUT', url, body)

  t.strictSame(
    (
      await put('/v1/admin/providers/run-provider', { type: 'x', credentials: { a: 'one' } })
    ).json(),
    { name: 'run-provider' }
  )
  await put('/v1/admin/bots/run-bot', {
    name: 'run-bot',
    displayName: 'At run time',
    provider: 'run-provider',
    theirs: { kept: true },
    credentialsSecrets: { b: 'local:a' }
  })
  t.strictSame((await ask('GET', '/v1/bots/run-bot/credentials')).json(), {
    name: 'run-bot',
    provider: { name: 'run-provider', type: 'x', credentials: { a: 'one' } },
    credentials: { b: 'from the store' }
  })
  t.same(
    (await ask('GET', '/v1/bots')).json().bots.map(({ name }: { name: string }) => name),
    ['of-file', 'run-bot']
  )
  t.strictSame((await admin.ask('GET', '/v1/admin/bots')).json(), {
    objects: [
      { name: 'of-file', origin: 'file', provider: 'google', credentials: [] },
      {
        name: 'run-bot',
        origin: 'runtime',
        displayName: 'At run time',
        provider: 'run-provider',
        credentials: ['b']
      }
    ]
  })

  await put('/v1/admin/bots/run-bot', { provider: 'google', credentials: { c: 'x' } })
  t.strictSame((await ask('GET', '/v1/bots/run-bot/credentials')).json(), {
    name: 'run-bot',
    provider: { name: 'google', credentials: { clientEmail: 'of-file' } },
    credentials: { c: 'x' }
  })
  const remove = () => admin.ask('DELETE', '/v1/admin/bots/run-bot')
  t.strictSame((await remove()).json(), { name: 'run-bot', deleted: true })
  t.strictSame((await remove()).json(), { name: 'run-bot', deleted: false })
  assertProblem(t, await ask('GET', '/v1/bots/run-bot/credentials'), { code: 'access_denied' })

  const records = (await recordsIn(app.folder))
    .filter(({ action }) => action?.startsWith('object.'))
    .map(({ action, outcome, reason, client, object }) =>
      [action, outcome, reason, client, object].filter(Boolean).join(' ')
    )
  t.same(records.slice(0, 2), [
    'object.write allowed intent admin provider run-provider',
    'object.write allowed admin provider run-provider'
  ])
  t.same(records.slice(6), [
    'object.delete allowed intent admin bot run-bot',
    'object.delete allowed admin bot run-bot',
    'object.delete allowed intent admin bot run-bot',
    'object.delete allowed admin bot run-bot'
  ])
})

test('what is wrong with an object is told by pointer, without a word of it, and nothing is kept', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML, env: WRITES })
  const admin = await app.as('admin', 'rw', asAdmin)
  const canary = createCanary()
  const { token } = canary
  for (const [body, code, errors] of [
    [
      { credentials: { k: token }, credentialsSecrets: { k: 'local:a' } },
      'conflicting_credentials',
      ['/body/credentials/k conflict', '/body/credentialsSecrets/k conflict']
    ],
    [
      {
        credentialsVault: { k: token },
        credentialsSecrets: { a: 'other:x', b: token },
        credentials: token
      },
      'invalid_reference',
      [
        '/body/credentialsVault/k form',
        '/body/credentialsSecrets/b reference',
        '/body/credentials type',
        '/body/credentialsSecrets/a unknown_store'
      ]
    ],
    [{ provider: token }, 'invalid_request', ['/body/provider unknown_provider']],
    [
      { provider: 1 },
      'invalid_request',
      ['/body/provider type', '/body/provider unknown_provider']
    ],
    [{ name: token }, 'invalid_request', ['/body/name const']],
    [{ name: 'other' }, 'invalid_request', ['/body/name const']]
  ] as const) {
    const answer = await admin.ask('PUT', '/v1/admin/bots/run-bot', body)
    const problem = assertProblem(t, answer, { code, canary })
    t.same(
      problem.errors?.map(({ pointer, rule }) => `${pointer} ${rule}`),
      errors
    )
  }
  assertProblem(t, await admin.ask('PUT', '/v1/admin/bots/run-bot', [token]), {
    code: 'invalid_request',
    canary
  })
  t.equal((await admin.ask('GET', '/v1/admin/bots')).json().objects.length, 1)
  t.same(canary.findIn(app.logs.join('\n')), [])
  t.same(canary.findIn(JSON.stringify(await recordsIn(app.folder))), [])
})

test('names of the file and providers in use stay, and only an administrator who may write changes anything', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML, env: WRITES })
  const admin = await app.as('admin', 'rw', asAdmin)
  for (const [method, url] of [
    ['PUT', '/v1/admin/bots/of-file'],
    ['DELETE', '/v1/admin/bots/of-file'],
    ['PUT', '/v1/admin/providers/google'],
    ['DELETE', '/v1/admin/providers/google']
  ] as const) {
    assertProblem(t, await admin.ask(method, url, {}), { code: 'conflict', what: url })
  }
  await admin.ask('PUT', '/v1/admin/providers/mine', {})
  await admin.ask('PUT', '/v1/admin/bots/run-bot', { provider: 'mine' })
  const remove = () => admin.ask('DELETE', '/v1/admin/providers/mine')
  assertProblem(t, await remove(), { code: 'conflict' })
  await admin.ask('DELETE', '/v1/admin/bots/run-bot')
  t.strictSame((await remove()).json(), { name: 'mine', deleted: true })

  const root = await app.as('app', 'rw', { scopes: ['aura-services'] })
  const reader = await app.as('admin', 'r', asAdmin)
  for (const kind of ['bots', 'providers']) {
    for (const method of ['PUT', 'DELETE'] as const) {
      const url = `/v1/admin/${kind}/x`
      assertProblem(t, await root.ask(method, url, {}), { code: 'insufficient_scope' })
      assertProblem(t, await reader.ask(method, url, {}), { code: 'insufficient_mode' })
    }
    assertProblem(t, await root.ask('GET', `/v1/admin/${kind}`), { code: 'insufficient_scope' })
    t.equal((await reader.ask('GET', `/v1/admin/${kind}`)).statusCode, 200)
  }
  const off = await buildTestApp(t, { yaml: YAML })
  const other = await off.as('admin', 'rw', asAdmin)
  assertProblem(t, await other.ask('PUT', '/v1/admin/bots/x', {}), { code: 'access_denied' })
})

test('plain credentials show in answers to those who may use the bot, and in no log, error, record or file', async (t) => {
  const [ofFile, atRunTime] = [createCanary(), createCanary()]
  const yaml = `${YAML}  - { name: run-of-file, credentials: { k: ${JSON.stringify(ofFile.token)} } }\n`
  const app = await buildTestApp(t, { yaml, env: { ...WRITES, LOG_LEVEL: 'trace' } })
  const admin = await app.as('admin', 'rw', asAdmin)
  const { ask } = await app.as('app', 'r', asBots)
  const stranger = await app.as('stranger', 'r', asBots)
  const body = { credentials: { k: atRunTime.token }, also: atRunTime.token }
  const told = await Promise.all([
    admin.ask('PUT', '/v1/admin/bots/run-bot', body),
    admin.ask('PUT', '/v1/admin/bots/of-file', body),
    admin.ask('PUT', '/v1/admin/providers/run-p', { ...body, credentialsVault: body.credentials }),
    admin.ask('GET', '/v1/admin/bots'),
    ask('GET', '/v1/bots'),
    stranger.ask('GET', '/v1/bots/run-bot/credentials')
  ])
  await app.reload({})
  t.equal((await ask('GET', '/v1/bots/run-bot/credentials')).json().credentials.k, atRunTime.token)
  t.equal((await ask('GET', '/v1/bots/run-of-file/credentials')).json().credentials.k, ofFile.token)
  const places: [string, string][] = [
    ['the configuration', everythingIn(app.app.config()) + JSON.stringify(app.app.config())],
    ['the log', app.logs.join('')],
    ['an answer', told.map(({ body }) => body).join('')]
  ]
  const data = join(app.folder, 'data')
  let files = 0
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    files++
    const path = join(entry.parentPath, entry.name)
    places.push([entry.name, await readFile(path, 'utf8')])
  }
  t.ok(files >= 2)
  for (const [place, content] of places) {
    t.same([...ofFile.findIn(content), ...atRunTime.findIn(content)], [], place)
  }
})

test('what was put at run time is there after a restart, follows a reload, and is re-sealed by a rewrap', async (t) => {
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const env = { ...WRITES, ENCRYPTION_KEYS: before }
  const app = await buildTestApp(t, { yaml: YAML, env })
  const admin = await app.as('admin', 'rw', asAdmin)
  await admin.ask('PUT', '/v1/admin/bots/run-bot', { provider: 'google', credentials: { k: 'v' } })

  const key = await issueKey(app.keyring, 'app', 'r', asBots)
  const serve = async (keys: string) => {
    const config = readConfig(
      {
        ENVIRONMENT: 'dev',
        ENCRYPTION_KEYS: keys,
        INTERNAL_SECRET: app.internalSecret,
        RATE_LIMIT_ENABLED: 'false'
      },
      app.folder
    )
    const logs: string[] = []
    const logger = createLogger('info', { write: (line) => void logs.push(line) })
    const restarted = await buildApp(config, { logger })
    t.teardown(() => restarted.close())
    const read = (apiKey: string) =>
      restarted.server.inject({
        url: '/v1/bots/run-bot/credentials',
        headers: { 'x-api-key': apiKey }
      })
    return { read, logs, close: restarted.close }
  }

  // Hidden by the file for as long as it names the bot.
  await app.reload({ yaml: `${YAML}  - { name: run-bot, credentials: { k: of-file } }\n` })
  const { ask } = await app.as('app', 'r', asBots)
  const read = async () => (await ask('GET', '/v1/bots/run-bot/credentials')).json()
  t.same((await read()).credentials, { k: 'of-file' })
  // Without its provider, which only the file had, it is no bot that could be used.
  await app.reload({ yaml: YAML.replaceAll('google', 'renamed') })
  t.match(await read(), { code: 'store_misconfigured' })
  await app.reload({ yaml: YAML })
  t.same((await read()).credentials, { k: 'v' })

  await app.app.close()
  const again = await serve(`${before},${after}`)
  t.equal((await again.read(key)).json().credentials.k, 'v')
  await again.close()

  const lost = await serve(after)
  const newKey = await issueKey(createKeyring([after]), 'app', 'r', asBots)
  t.match((await lost.read(newKey)).json(), { code: 'access_denied' })
  t.match(lost.logs.join('\n'), /"object":"run-bot".*cannot be used/)

  await lost.close()
  const state = openState(t, join(app.folder, 'data'))
  const rewrap = (keys: string[]) => {
    const sealer = createSealer(createKeyring(keys))
    return rewrapResources({ state, sealer: () => sealer })
  }
  t.strictSame(await rewrap([after]), { total: 1, rewrapped: 0, unreadable: 1 })
  t.strictSame(await rewrap([before, after]), { total: 1, rewrapped: 1, unreadable: 0 })
  t.strictSame(await rewrap([after]), { total: 1, rewrapped: 0, unreadable: 0 })
  await state.close()
  const found = await serve(after)
  t.equal((await found.read(newKey)).json().credentials.k, 'v')
})
