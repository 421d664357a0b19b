// Bots and providers of the file: who gets whose credentials, all of them or a problem that names each that is missing.
import { test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { asBots } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { frozen } from '../../support/stopwatch.ts'

const BOTS = ['sample-bot', 'team-one', 'team-two', 'alone']
const PROVIDERS = ['google', 'azure', 'unused']
/** By bot, its provider. */
const USES = new Map([
  ['sample-bot', 'google'],
  ['team-one', 'azure'],
  ['team-two', 'azure']
])

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: everything, bots: ['*'] }
  - { client: one, bots: [sample-bot] }
  - { client: team, bots: ['team-*', no-such-bot] }
  - { client: [reader, other], read: ['local:**'] }
  - { client: other, bots: [alone], channels: [sample-bot] }
providers:
${PROVIDERS.map((name) => `  - { name: ${name}, type: ${name}-type, credentialsSecrets: { key: 'local:${name}#key' } }`).join('\n')}
bots:
${BOTS.map((name) => `  - { name: ${name}, displayName: The ${name}, ${USES.has(name) ? `provider: ${USES.get(name)}, ` : ''}credentials: { plain: plain-${name} }, credentialsSecrets: { secret: 'local:${name}' } }`).join('\n')}
`

const MAY: Readonly<Record<string, readonly string[]>> = {
  everything: BOTS,
  one: ['sample-bot'],
  team: ['team-one', 'team-two'],
  reader: [],
  other: ['alone'],
  stranger: []
}

const seedAll = async (app: TestApp) => {
  const canaries = new Map<string, ReturnType<typeof createCanary>>()
  for (const name of [...BOTS, ...PROVIDERS]) {
    const canary = createCanary()
    canaries.set(name, canary)
    const isProvider = PROVIDERS.includes(name)
    const fields = isProvider ? { key: canary.token, more: 'x' } : { only: canary.token }
    await app.seed('local', name, JSON.stringify(fields))
  }
  return canaries
}

test('each caller gets the credentials of its bots and their providers, and of no others, cold or warm', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const canaries = await seedAll(app)
  const token = (name: string | undefined) => canaries.get(name ?? '')?.token
  const tally = { read: 0, refused: 0 }
  for (const when of ['cold', 'warm']) {
    for (const [client, allowed] of Object.entries(MAY)) {
      for (const mode of ['r', 'w', 'rw'] satisfies Mode[]) {
        const { ask } = await app.as(client, mode, asBots)
        const isReader = mode !== 'w'
        for (const method of ['GET', 'HEAD'] as const) {
          for (const partial of ['', '?partial=true', '?partial=false']) {
            for (const name of [...BOTS, 'no-such-bot']) {
              const what = `${when} ${client} (${mode}) ${method} ${name}${partial}`
              const answer = await ask(method, `/v1/bots/${name}/credentials${partial}`)
              const provider = USES.get(name)
              const told = isReader && allowed.includes(name) ? [name, provider] : []
              for (const [owner, canary] of canaries) {
                const isTold = canary.findIn(answer.body).length > 0
                if (isTold !== (method === 'GET' && told.includes(owner)))
                  t.fail(`${what}: ${owner}`)
              }
              if (answer.statusCode !== (told.length > 0 ? 200 : 403)) t.fail(what)
              if (told.length === 0) {
                tally.refused++
                continue
              }
              tally.read++
              if (method === 'HEAD' || partial === '?partial=true') continue
              t.strictSame(answer.json(), {
                name,
                ...(provider && {
                  provider: {
                    name: provider,
                    type: `${provider}-type`,
                    credentials: { key: token(provider) }
                  }
                }),
                credentials: { plain: `plain-${name}`, secret: token(name) }
              })
            }
            for (const name of [...PROVIDERS, 'no-such-provider']) {
              const isAllowed = isReader && allowed.some((bot) => USES.get(bot) === name)
              const answer = await ask(method, `/v1/providers/${name}/credentials${partial}`)
              const what = `${when} ${client} (${mode}) ${method} ${name}${partial}`
              if (answer.statusCode !== (isAllowed ? 200 : 403)) t.fail(what)
              const tells = [...canaries].filter(
                ([, canary]) => canary.findIn(answer.body).length > 0
              )
              const expected = isAllowed && method === 'GET' ? [name] : []
              t.same(
                tells.map(([owner]) => owner),
                expected,
                what
              )
            }
          }
        }
        const list = await ask('GET', '/v1/bots')
        if (isReader) {
          t.strictSame(
            list.json(),
            {
              bots: BOTS.filter((name) => allowed.includes(name)).map((name) => ({
                name,
                displayName: `The ${name}`,
                ...(USES.has(name) && { provider: USES.get(name) })
              }))
            },
            client
          )
        } else assertProblem(t, list, { code: 'insufficient_mode' })
      }
    }
  }
  t.ok(tally.read > 100 && tally.refused > 300, JSON.stringify(tally))
})

test('a bot or provider that does not exist, one of another client and a bot as a provider are refused in the same bytes', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const { ask } = await app.as('team', 'r', asBots)
  const answers = await Promise.all(
    [
      '/v1/bots/sample-bot/credentials',
      '/v1/bots/no-such-bot/credentials',
      '/v1/bots/never-heard-of/credentials',
      '/v1/bots/azure/credentials',
      '/v1/bots/alone/credentials?partial=true',
      '/v1/providers/google/credentials',
      '/v1/providers/unused/credentials',
      '/v1/providers/never-heard-of/credentials',
      '/v1/providers/team-one/credentials'
    ].map((url) => ask('GET', url, undefined, { 'x-request-id': 'same' }))
  )
  for (const answer of answers) {
    assertProblem(t, answer, { code: 'access_denied' })
    t.equal(answer.body, answers[0]?.body)
    const { date: _date, ...headers } = answer.headers
    const { date: _first, ...expected } = answers[0]?.headers ?? {}
    t.same(headers, expected)
  }
})

test('a bot gives no right on its secrets by themselves, and a scope for secrets none on bots', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  await seedAll(app)
  const one = await app.as('one', 'rw', { scopes: ['aura-services'] })
  t.equal((await one.ask('GET', '/v1/bots/sample-bot/credentials')).statusCode, 200)
  assertProblem(t, await one.ask('GET', '/v1/secrets?ref=local:sample-bot'), {
    code: 'access_denied'
  })
  const object = { credentialsSecrets: { secret: 'local:sample-bot' } }
  const resolved = await one.ask('POST', '/v1/resolve', object)
  assertProblem(t, resolved, { code: 'access_denied' })
  t.same(resolved.json().errors, [{ pointer: '/credentials/secret', rule: 'access_denied' }])

  const secrets = await app.as('one', 'rw', { scopes: ['aura-services:secrets'] })
  for (const url of [
    '/v1/bots',
    '/v1/bots/sample-bot/credentials',
    '/v1/providers/google/credentials'
  ]) {
    assertProblem(t, await secrets.ask('GET', url), { code: 'insufficient_scope' })
  }
})

test('the record names the bot with each of its secrets, and the bot itself', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  await seedAll(app)
  const { ask } = await app.as('one', 'r', asBots)
  await ask('GET', '/v1/bots/sample-bot/credentials')
  await ask('GET', '/v1/providers/google/credentials')
  await ask('GET', '/v1/bots/alone/credentials')
  await ask('GET', '/v1/bots/never-heard-of/credentials')
  await ask('GET', '/v1/bots')
  const records = (await recordsIn(app.folder)).map(
    ({ action, outcome, code, reason, client, reference, object }) =>
      [action, outcome, code, reason, client, reference ?? object].filter(Boolean).join(' ')
  )
  t.same(records.slice(0, 3).sort(), [
    'bot.read allowed one bot sample-bot',
    'secret.read allowed bot sample-bot one local:google#key',
    'secret.read allowed bot sample-bot one local:sample-bot'
  ])
  t.same(records.slice(3), [
    'secret.read allowed bot sample-bot one local:google#key',
    'bot.read allowed one provider google',
    'bot.read denied access_denied no_rule one bot alone',
    'bot.read denied access_denied no_rule one bot never-heard-of',
    'bot.list allowed one'
  ])
})

const BROKEN = `
stores:
  - { name: local, kind: local }
  - { name: vault, kind: vault, address: 'http://127.0.0.1:1', mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: NONE } } }
policies:
  - { client: app, bots: [broken], read: ['local:**'] }
providers:
  - { name: p, credentials: { plain: x }, credentialsSecrets: { unreachable: 'vault:kv/x' } }
bots:
  - name: broken
    provider: p
    credentials: { plain: x }
    credentialsSecrets:
      good: local:good#a
      none: local:none
      field: local:good#none
      several: local:good
      "no plain word": local:none
`

test('one key that fails fails the answer with a problem that lists all of them; partial gives a result for each', async (t) => {
  const app = await buildTestApp(t, { yaml: BROKEN })
  const canary = createCanary()
  await app.seed('local', 'good', JSON.stringify({ a: canary.token, b: 'x' }))
  const { ask } = await app.as('app', 'rw', { scopes: ['aura-services'] })
  const answer = await ask('GET', '/v1/bots/broken/credentials')
  assertProblem(t, answer, { code: 'secret_not_found' })
  t.strictSame(answer.json().errors, [
    { pointer: '/credentials/none', rule: 'secret_not_found' },
    { pointer: '/credentials/field', rule: 'field_not_found' },
    { pointer: '/credentials/several', rule: 'field_required' },
    { pointer: '/credentials', rule: 'secret_not_found' },
    { pointer: '/provider/credentials/unreachable', rule: 'store_misconfigured' }
  ])
  t.same(canary.findIn(answer.body), [])

  const partial = await ask('GET', '/v1/bots/broken/credentials?partial=true')
  t.equal(partial.statusCode, 200)
  const { results, provider, credentials } = partial.json()
  t.equal(credentials, undefined)
  t.strictSame(
    Object.entries(results as Record<string, { status: number; problem?: { code: string } }>).map(
      ([key, { status, problem }]) => [key, status, problem?.code]
    ),
    [
      ['plain', 200, undefined],
      ['good', 200, undefined],
      ['none', 404, 'secret_not_found'],
      ['field', 404, 'field_not_found'],
      ['several', 400, 'field_required'],
      ['no plain word', 404, 'secret_not_found']
    ]
  )
  t.equal(results.good.value, canary.token)
  t.match(provider.results, { plain: { value: 'x' }, unreachable: { status: 502 } })
  assertProblem(t, await ask('GET', '/v1/bots/broken/credentials?partial=yes'), {
    code: 'invalid_request'
  })
  t.equal((await ask('HEAD', '/v1/bots/broken/credentials')).statusCode, 404)

  const resolved = await ask('POST', '/v1/resolve?partial=true', {
    name: 'mine',
    theirs: [1],
    credentials: { plain: 1 },
    credentialsSecrets: { good: 'local:good#a', none: 'local:none', elsewhere: 'other:x' }
  })
  t.match(resolved.json(), {
    name: 'mine',
    theirs: [1],
    credentials: undefined,
    results: {
      plain: { status: 200, value: 1 },
      good: { status: 200, value: canary.token },
      none: { status: 404, problem: { code: 'secret_not_found' } },
      elsewhere: { status: 403, problem: { code: 'access_denied' } }
    }
  })
  t.equal(resolved.json().credentialsSecrets, undefined)
})

test('an object that is resolved needs the right on each reference, mode rw, and is refused whole for what is wrong with it', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const canaries = await seedAll(app)
  const reader = await app.as('reader', 'rw')
  const object = {
    name: 'mine',
    region: 'theirs',
    credentials: { a: 'x' },
    credentialsSecrets: { b: 'local:alone', c: 'local:google#key' }
  }
  t.strictSame((await reader.ask('POST', '/v1/resolve', object)).json(), {
    name: 'mine',
    region: 'theirs',
    credentials: {
      a: 'x',
      b: canaries.get('alone')?.token,
      c: canaries.get('google')?.token
    }
  })
  t.strictSame((await reader.ask('POST', '/v1/resolve', {})).json(), { credentials: {} })
  for (const [body, code, errors] of [
    [
      { credentials: { k: 'x' }, credentialsVault: { k: 'http://v/v1/kv/data/x' } },
      'conflicting_credentials',
      [
        { pointer: '/body/credentials/k', rule: 'conflict' },
        { pointer: '/body/credentialsVault/k', rule: 'conflict' }
      ]
    ],
    [
      { credentialsAwsSecrets: { k: 'local:alone' } },
      'invalid_reference',
      [{ pointer: '/body/credentialsAwsSecrets/k', rule: 'form' }]
    ],
    [
      { credentialsAwsSecret: { k: 'x' } },
      'invalid_request',
      [{ pointer: '/body/credentialsAwsSecret', rule: 'member' }]
    ]
  ] as const) {
    const answer = await reader.ask('POST', '/v1/resolve', body)
    assertProblem(t, answer, { code })
    t.strictSame(answer.json().errors, errors)
  }
  assertProblem(t, await reader.ask('POST', '/v1/resolve', ['x']), { code: 'invalid_request' })
  for (const mode of ['r', 'w'] as const) {
    const { ask } = await app.as('reader', mode)
    assertProblem(t, await ask('POST', '/v1/resolve', object), { code: 'insufficient_mode' })
  }
})

test('a configuration of 300 references is resolved together, each of them charged where the caller brought it', async (t) => {
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
  const references = Object.fromEntries(keys.map((key) => [key, `local:many#${key}`]))
  const app = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: app, bots: [many], read: ['local:**'] }]
bots: [{ name: many, credentialsSecrets: ${JSON.stringify(references)} }]
`,
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '400' },
    now: frozen
  })
  await app.seed('local', 'many', JSON.stringify(Object.fromEntries(keys.map((key) => [key, key]))))
  const { ask } = await app.as('app', 'rw', { scopes: ['aura-services'] })
  const expected = Object.fromEntries(keys.map((key) => [key, key]))
  const answer = await ask('GET', '/v1/bots/many/credentials')
  t.strictSame(answer.json(), { name: 'many', credentials: expected })
  t.match(answer.headers['ratelimit'], /r=399/)
  const resolved = await ask('POST', '/v1/resolve', { credentialsSecrets: references })
  t.strictSame(resolved.json(), { credentials: expected })
  t.match(resolved.headers['ratelimit'], /r=99/)
  assertProblem(t, await ask('POST', '/v1/resolve', { credentialsSecrets: references }), {
    code: 'rate_limited'
  })
})

test('an object without references costs the one request that it is, and gives nothing back', async (t) => {
  const app = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\n',
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '10', RATE_LIMIT_WINDOW_SECONDS: '3600' },
    now: frozen
  })
  const { ask } = await app.as('app', 'rw', { scopes: ['aura-services'] })
  const left = async (body: object): Promise<string | undefined> =>
    /r=(\d+)/.exec(String((await ask('POST', '/v1/resolve', body)).headers['ratelimit']))?.[1]
  t.equal(await left({}), '9')
  t.equal(await left({ credentials: { plain: 'x' } }), '8')
  t.equal(await left({ credentialsSecrets: null }), '7')
  t.equal(await left({ credentialsSecrets: { a: 'local:a' } }), '6')
  t.equal(await left({ credentialsSecrets: { a: 'local:a', b: 'local:b' } }), '4')
})
