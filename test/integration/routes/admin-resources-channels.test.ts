// Channels that administrators configure while the service runs: checked, sealed, used for tokens, and found again.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { buildApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config/config.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createDirectLine, type DirectLine } from '../../../src/integrations/direct-line.ts'
import { putResource } from '../../../src/integrations/resource-entries.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { startDirectLine } from '../../support/fake-direct-line.ts'
import { asAdmin, issueKey, randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const MICROSOFT = 'https://directline.botframework.com'
const WRITES = { ALLOW_ADMIN_WRITE: 'true' }
const asSite = { scopes: ['aura-services:token'] }
const URL = '/v1/admin/channels/web-run'

/** Direct Line, where the fake stands in for Microsoft's host: a channel of run time leads nowhere else. */
const directLineAt = (url: string): DirectLine => {
  const real = createDirectLine({ now: Date.now })
  const place = (endpoint: string): string => (endpoint === MICROSOFT ? url : endpoint)
  return {
    ...real,
    generate: (endpoint, ...rest) => real.generate(place(endpoint), ...rest),
    refresh: (endpoint, ...rest) => real.refresh(place(endpoint), ...rest)
  }
}

const build = async (t: Test) => {
  const keys = [randomSecret(), randomSecret()] as const
  const fake = await startDirectLine(t, keys)
  const yaml = `
stores: [{ name: local, kind: local }]
policies: [{ client: site, channels: ["web-*"] }]
bots: [{ name: of-file }]
channels:
  - { name: web-file, bot: of-file, secrets: ["local:key1"], endpoint: "${fake.url}", trustedOrigins: [] }
`
  const overrides = { directLine: directLineAt(fake.url) }
  const app = await buildTestApp(t, { yaml, env: WRITES, overrides })
  await app.seed('local', 'key1', keys[0])
  await app.seed('local', 'key2', keys[1])
  const admin = await app.as('admin', 'rw', asAdmin)
  const site = await app.as('site', 'w', asSite)
  const channel = {
    secrets: ['local:key1', 'local:key2'],
    endpoint: MICROSOFT,
    trustedOrigins: ['https://www.example.com']
  }
  const token = (name = 'web-run') => site.ask('POST', `/v1/channels/${name}/tokens`)
  return { ...app, admin, fake, keys, yaml, channel, token }
}

test('a channel that was put gives tokens, another one when put again, and none when deleted', async (t) => {
  const { admin, fake, keys, channel, token, folder } = await build(t)
  assertProblem(t, await token(), { code: 'access_denied' })
  const put = await admin.ask('PUT', URL, { ...channel, bot: 'of-file' })
  t.strictSame(put.json(), { name: 'web-run' }, put.body)
  const issued = await token()
  t.equal(issued.statusCode, 200, issued.body)
  t.equal(issued.json().domain, `${MICROSOFT}/v3/directline`)
  t.equal(fake.seen.at(-1)?.authorization, `Bearer ${keys[0]}`)
  t.match(JSON.parse(fake.seen.at(-1)?.body ?? ''), { trustedOrigins: channel.trustedOrigins })
  t.strictSame((await admin.ask('GET', '/v1/admin/channels')).json(), {
    objects: [
      {
        name: 'web-file',
        origin: 'file',
        bot: 'of-file',
        kind: 'directline',
        secrets: ['local:key1'],
        endpoint: fake.url,
        trustedOrigins: [],
        userIds: 'given'
      },
      {
        name: 'web-run',
        origin: 'runtime',
        bot: 'of-file',
        kind: 'directline',
        ...channel,
        userIds: 'given'
      }
    ]
  })

  await admin.ask('PUT', URL, { ...channel, secrets: ['local:key2'], name: 'web-run' })
  t.equal((await token()).statusCode, 200)
  t.equal(fake.seen.at(-1)?.authorization, `Bearer ${keys[1]}`)
  const remove = () => admin.ask('DELETE', URL)
  t.strictSame((await remove()).json(), { name: 'web-run', deleted: true })
  t.strictSame((await remove()).json(), { name: 'web-run', deleted: false })
  assertProblem(t, await token(), { code: 'access_denied' })

  const records = (await recordsIn(folder))
    .filter(({ action }) => action?.startsWith('object.'))
    .map(({ action, reason, client, object }) =>
      [action, reason, client, object].filter(Boolean).join(' ')
    )
  t.same(records.slice(0, 2), [
    'object.write intent admin channel web-run',
    'object.write admin channel web-run'
  ])
  t.same(records.at(-1), 'object.delete admin channel web-run')
})

test('which of its secrets works is remembered while other objects change and the file is read anew', async (t) => {
  const { admin, fake, keys, channel, token, reload } = await build(t)
  await admin.ask('PUT', URL, channel)
  fake.keys.delete(keys[0])
  const calls = async () => {
    const before = fake.seen.length
    t.equal((await token()).statusCode, 200)
    return fake.seen.length - before
  }
  t.equal(await calls(), 2)
  await admin.ask('PUT', '/v1/admin/bots/another', {})
  await admin.ask('PUT', '/v1/admin/channels/another', channel)
  await reload({})
  t.equal(await calls(), 1)
  await admin.ask('PUT', URL, channel)
  t.equal(await calls(), 2, 'put again, it begins anew')
})

test('what is wrong with a channel is told by pointer, without a word of it, and nothing is kept', async (t) => {
  const { admin, channel, token, fake, logs, folder } = await build(t)
  const canary = createCanary()
  for (const [members, code, errors] of [
    [{ endpoint: 'https://evil.example' }, 'invalid_request', ['/body/endpoint endpoint']],
    [
      { endpoint: 'https://directline.botframework.com.evil.example' },
      'invalid_request',
      ['/body/endpoint endpoint']
    ],
    [{ endpoint: 'http://169.254.169.254' }, 'invalid_request', ['/body/endpoint endpoint']],
    [{ endpoint: fake.url }, 'invalid_request', ['/body/endpoint endpoint']],
    [{ endpoint: `${fake.url}/x` }, 'invalid_request', ['/body/endpoint endpoint']],
    [{ endpoint: undefined }, 'invalid_request', ['/body/endpoint required']],
    [{ secrets: [] }, 'invalid_request', ['/body/secrets minItems']],
    [{ secrets: 'local:key1' }, 'invalid_request', ['/body/secrets type']],
    [{ trustedOrigins: undefined }, 'invalid_request', ['/body origins']],
    [{ [canary.token]: 'x' }, 'invalid_request', ['/body additionalProperties']],
    [{ bot: 'nobody' }, 'invalid_request', ['/body/bot unknown_bot']],
    [{ name: 'other' }, 'invalid_request', ['/body/name const']],
    [
      {
        endpoint: `https://${canary.token}`,
        bot: canary.token,
        secrets: [canary.token, canary.token],
        trustedOrigins: [canary.token]
      },
      'invalid_reference',
      [
        '/body/endpoint endpoint',
        '/body/secrets twice',
        '/body/trustedOrigins/0 origin',
        '/body/bot unknown_bot',
        '/body/secrets/0 reference',
        '/body/secrets/1 reference'
      ]
    ],
    [{ secrets: ['elsewhere:key'] }, 'invalid_reference', ['/body/secrets/0 unknown_store']],
    // A secret itself in the place of a reference reads as a name that nobody gave, if it can be one.
    [{ secrets: [`s${randomSecret()}`] }, 'invalid_reference', ['/body/secrets/0 unknown_store']],
    [{ secrets: [`-${randomSecret()}`] }, 'invalid_reference', ['/body/secrets/0 reference']]
  ] as const) {
    const answer = await admin.ask('PUT', URL, { ...channel, ...members })
    const problem = assertProblem(t, answer, { code, canary })
    t.same(
      problem.errors?.map(({ pointer, rule }) => `${pointer} ${rule}`),
      errors
    )
  }
  t.equal((await admin.ask('GET', '/v1/admin/channels')).json().objects.length, 1)
  assertProblem(t, await token(), { code: 'access_denied' })
  t.equal(fake.seen.length, 0)
  t.same(canary.findIn(logs.join('\n')), [])
  t.same(canary.findIn(JSON.stringify(await recordsIn(folder))), [])
})

test('channels of the file and bots that a channel names stay, and only an administrator who may write changes anything', async (t) => {
  const { admin, channel, token, ...app } = await build(t)
  for (const method of ['PUT', 'DELETE'] as const) {
    const answer = await admin.ask(method, '/v1/admin/channels/web-file', channel)
    assertProblem(t, answer, { code: 'conflict', what: method })
  }
  t.equal((await token('web-file')).statusCode, 200)

  await admin.ask('PUT', '/v1/admin/bots/run-bot', {})
  await admin.ask('PUT', URL, { ...channel, bot: 'run-bot' })
  const removeBot = () => admin.ask('DELETE', '/v1/admin/bots/run-bot')
  assertProblem(t, await removeBot(), { code: 'conflict' })
  await admin.ask('PUT', URL, channel)
  t.strictSame((await removeBot()).json(), { name: 'run-bot', deleted: true })

  const root = await app.as('site', 'rw', { scopes: ['aura-services'] })
  const reader = await app.as('admin', 'r', asAdmin)
  for (const method of ['PUT', 'DELETE'] as const) {
    const payload = method === 'PUT' ? channel : {}
    assertProblem(t, await root.ask(method, URL, payload), { code: 'insufficient_scope' })
    assertProblem(t, await reader.ask(method, URL, payload), { code: 'insufficient_mode' })
  }
  const off = await buildTestApp(t, { yaml: app.yaml })
  const other = await off.as('admin', 'rw', asAdmin)
  assertProblem(t, await other.ask('PUT', URL, channel), { code: 'access_denied' })
})

test('a channel is there after a restart, hidden while the file has its name, and of no use where it leads to this machine', async (t) => {
  const { admin, channel, token, fake, yaml, ...app } = await build(t)
  await admin.ask('PUT', URL, channel)
  // As an earlier version took it.
  const { state } = app.app
  const sealer = createSealer(app.keyring)
  const former = { ...channel, endpoint: fake.url, name: 'web-old' }
  await putResource({ state, sealer: () => sealer }, 'channels', 'web-old', former)
  const serve = async (environment: 'dev' | 'stg' | 'pre') => {
    const config = readConfig(
      {
        ENVIRONMENT: environment,
        ENCRYPTION_KEYS: app.encryptionKey,
        INTERNAL_SECRET: app.internalSecret,
        RATE_LIMIT_ENABLED: 'false'
      },
      app.folder
    )
    const logs: string[] = []
    const restarted = await buildApp(config, {
      logger: createLogger('info', { write: (line) => void logs.push(line) }),
      directLine: directLineAt(fake.url)
    })
    t.teardown(() => restarted.close())
    const key = await issueKey(app.keyring, 'site', 'w', { ...asSite, environment })
    const ask = (name = 'web-run') =>
      restarted.server.inject({
        method: 'POST',
        url: `/v1/channels/${name}/tokens`,
        headers: { 'x-api-key': key }
      })
    return { ask, logs, close: restarted.close }
  }

  const named = `${yaml}  - { name: web-run, secrets: ["local:key2"], endpoint: "${fake.url}", trustedOrigins: [] }\n`
  await app.reload({ yaml: named })
  await token()
  t.strictSame(JSON.parse(fake.seen.at(-1)?.body ?? '').trustedOrigins, undefined)
  await app.reload({ yaml })
  await token()
  t.strictSame(JSON.parse(fake.seen.at(-1)?.body ?? '').trustedOrigins, channel.trustedOrigins)

  await app.app.close()
  const again = await serve('dev')
  t.equal((await again.ask()).statusCode, 200)
  await again.close()

  await writeFile(join(app.folder, 'purser.yaml'), yaml.replace(/channels:\n.*/, ''))
  for (const environment of ['dev', 'stg', 'pre'] as const) {
    const calls = fake.seen.length
    const restarted = await serve(environment)
    assertProblem(t, await restarted.ask('web-old'), { code: 'access_denied', what: environment })
    t.match(restarted.logs.join('\n'), /"object":"web-old".*cannot be used/)
    t.equal(fake.seen.length, calls)
    t.equal((await restarted.ask()).statusCode, 200, environment)
    await restarted.close()
  }
})
