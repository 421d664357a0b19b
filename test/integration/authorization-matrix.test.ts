// Every caller, every reference, every way to ask: nobody reads what policy does not give them, whoever asked before.
import { test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'
import { issueKey } from '../support/keys.ts'

const YAML = `
stores:
  - { name: alpha, kind: local }
  - { name: beta, kind: local }
policies:
  - client: everything
    read: ['alpha:**', 'beta:**']
    write: ['alpha:**', 'beta:**']
  - client: team-a
    read: ['alpha:team-a/*']
  - client: team-b
    read: ['alpha:team-{b,c}/**', 'beta:*/one#first']
  - client: [writer, nobody-else]
    write: ['alpha:**', 'beta:**']
secrets:
  short-a: alpha:team-a/one#first
  short-b: beta:shared/one#first
`

const PATHS = [
  'team-a/one',
  'team-a/deep/one',
  'team-b/one',
  'team-b/deep/two',
  'shared/one',
  'one'
]
const STORES = ['alpha', 'beta']
const FIELDS = ['first', 'second', undefined]
const CLIENTS = ['everything', 'team-a', 'team-b', 'writer', 'unknown-client']
const NAMES = new Map([
  ['alpha:team-a/one#first', 'short-a'],
  ['beta:shared/one#first', 'short-b']
])

/** The policies above once more, by hand and without patterns. */
const mayRead = (
  client: string,
  store: string,
  path: string,
  field: string | undefined
): boolean => {
  if (client === 'everything') return true
  if (client === 'team-a') return store === 'alpha' && path === 'team-a/one'
  if (client !== 'team-b') return false
  if (store === 'alpha') return path.startsWith('team-b/')
  return ['team-a/one', 'team-b/one', 'shared/one'].includes(path) && field === 'first'
}

interface Asked {
  readonly ref: string
  readonly store: string
  readonly path: string
  readonly field: string | undefined
}

/** A field has several spellings, and is one to policy. */
const spellingsOf = (store: string, field: string | undefined): string[] => {
  if (field === undefined) return ['']
  return store === 'alpha' ? [`#${field}`, `#/${field}`] : [`#${field}`]
}

const asked: Asked[] = STORES.flatMap((store) =>
  PATHS.flatMap((path) =>
    FIELDS.flatMap((field) =>
      spellingsOf(store, field).map((spelling) => ({
        store,
        path,
        field,
        ref: `${store}:${path}${spelling}`
      }))
    )
  )
)

type Answer = { status: number; body: string; etag: string | undefined }
type Way = (app: TestApp, key: string, client: string, asked: Asked) => Promise<Answer | undefined>

const inject = async (
  { app }: TestApp,
  method: 'GET' | 'HEAD' | 'POST',
  url: string,
  headers: Record<string, string>,
  payload?: object
): Promise<Answer> => {
  const answer = await app.server.inject({ method, url, headers, ...(payload && { payload }) })
  return {
    status: answer.statusCode,
    body: answer.body,
    etag: answer.headers.etag as string | undefined
  }
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })
const q = encodeURIComponent

/** How a batch's only result would have been answered had it been asked alone. */
const only = ({ status, body }: Answer): Answer =>
  status === 200
    ? { status: JSON.parse(body).results[0].status, body, etag: undefined }
    : { status, body, etag: undefined }

/** Each way with the modes that may use it. */
const WAYS: Record<string, { modes: readonly Mode[]; ask: Way }> = {
  'GET by reference': {
    modes: ['r', 'rw'],
    ask: (app, key, _client, { ref }) =>
      inject(app, 'GET', `/v1/secrets?ref=${q(ref)}`, bearer(key))
  },
  'GET with the field beside': {
    modes: ['r', 'rw'],
    ask: async (app, key, _client, { store, path, field }) =>
      field === undefined
        ? undefined
        : inject(app, 'GET', `/v1/secrets?ref=${q(`${store}:${path}`)}&field=${field}`, bearer(key))
  },
  'GET of the bytes': {
    modes: ['r', 'rw'],
    ask: (app, key, _client, { ref }) =>
      inject(app, 'GET', `/v1/secrets?ref=${q(ref)}&format=raw`, bearer(key))
  },
  'GET of the text by name': {
    modes: ['r', 'rw'],
    ask: async (app, key, _client, { ref }) => {
      const name = NAMES.get(ref)
      const headers = { ...bearer(key), accept: 'text/plain' }
      return name === undefined ? undefined : inject(app, 'GET', `/v1/secrets/${name}`, headers)
    }
  },
  'GET of a version': {
    modes: ['r', 'rw'],
    ask: (app, key, _client, { store, path, field }) =>
      inject(
        app,
        'GET',
        `/v1/secrets?ref=${q(`${store}:${path}?version=1${field ? `#${field}` : ''}`)}`,
        bearer(key)
      )
  },
  HEAD: {
    modes: ['r', 'rw'],
    ask: (app, key, _client, { ref }) =>
      inject(app, 'HEAD', `/v1/secrets?ref=${q(ref)}`, bearer(key))
  },
  'GET, conditional and uncached': {
    modes: ['r', 'rw'],
    ask: (app, key, _client, { ref }) =>
      inject(app, 'GET', `/v1/secrets?ref=${q(ref)}`, {
        'x-api-key': key,
        'if-none-match': '"another"',
        'cache-control': 'no-cache'
      })
  },
  'GET by name': {
    modes: ['r', 'rw'],
    ask: async (app, key, _client, { ref }) => {
      const name = NAMES.get(ref)
      return name === undefined ? undefined : inject(app, 'GET', `/v1/secrets/${name}`, bearer(key))
    }
  },
  'GET in a batch': {
    modes: ['r', 'rw'],
    ask: async (app, key, _client, { ref }) =>
      only(await inject(app, 'GET', `/v1/secrets/batch?ref=${q(ref)}&ref=alpha:none`, bearer(key)))
  },
  'POST of a batch': {
    modes: ['rw'],
    ask: async (app, key, _client, { ref }) =>
      only(
        await inject(app, 'POST', '/v1/secrets/batch', bearer(key), { refs: [ref, 'beta:none'] })
      )
  },
  'POST to the internal door': {
    modes: ['r', 'w', 'rw'],
    ask: async (app, _key, client, { ref }) =>
      only(
        await inject(
          app,
          'POST',
          '/internal/resolve',
          { 'x-internal-secret': app.internalSecret },
          { client, refs: [ref] }
        )
      )
  }
}

test('no caller reads by any way what policy does not give them, cold or warm', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const canaries = new Map<string, ReturnType<typeof createCanary>>()
  for (const store of STORES) {
    for (const path of PATHS) {
      const [first, second] = [createCanary(), createCanary()]
      canaries.set(`${store}:${path}#first`, first)
      canaries.set(`${store}:${path}#second`, second)
      await app.seed(store, path, JSON.stringify({ first: first.token, second: second.token }))
    }
  }
  let reads = 0
  let refusals = 0

  const askAll = async (when: string): Promise<void> => {
    for (const client of CLIENTS) {
      for (const mode of ['r', 'w', 'rw'] as const) {
        const key = await issueKey(app.keyring, client, mode)
        for (const [name, way] of Object.entries(WAYS)) {
          for (const one of asked) {
            const answer = await way.ask(app, key, client, one)
            if (answer === undefined) continue
            const { store, path, field } = one
            const isAllowed = way.modes.includes(mode) && mayRead(client, store, path, field)
            const what = `${when}: ${client} (${mode}) ${name} ${one.ref}: ${answer.status}`
            if (isAllowed ? answer.status !== 200 : answer.status !== 403) t.fail(what)
            if (answer.etag !== undefined && !isAllowed) t.fail(`${what}: an ETag`)
            for (const [ref, canary] of canaries) {
              const isTold = canary.findIn(answer.body).length > 0
              const isMeant =
                ref.startsWith(`${store}:${path}#`) &&
                (field ?? ref.split('#')[1]) === ref.split('#')[1]
              if (isTold && !(isAllowed && isMeant)) t.fail(`${what}: tells ${ref}`)
              if (!isTold && isAllowed && isMeant && name !== 'HEAD')
                t.fail(`${what}: lacks ${ref}`)
            }
            if (isAllowed) reads++
            else refusals++
          }
        }
      }
    }
  }

  await askAll('cold')
  const key = await issueKey(app.keyring, 'everything', 'rw')
  for (const { ref } of asked) await inject(app, 'GET', `/v1/secrets?ref=${q(ref)}`, bearer(key))
  await askAll('warm')
  t.ok(reads > 500, `${reads} reads`)
  t.ok(refusals > 2000, `${refusals} refusals`)
})

test('a policy covers exactly the field that it names, however it is spelt', async (t) => {
  const app = await buildTestApp(t, {
    yaml: `
stores: [{ name: alpha, kind: local }]
policies:
  - { client: deep, read: ['alpha:doc#/a/b'] }
  - { client: shallow, read: ['alpha:doc#a'] }
  - { client: slash, read: ['alpha:doc#a/b'] }
  - { client: item, read: ['alpha:doc#/list/0'] }
  - { client: all, read: ['alpha:doc'] }
`
  })
  const text = {
    a: { b: 'deep', c: 'other', '0': 'zero' },
    'a/b': 'slash',
    'a~1b': 'tilde',
    list: ['item', 'next']
  }
  await app.seed('alpha', 'doc', JSON.stringify(text))
  const shallow = JSON.stringify(text.a)
  // Each with what it leads to, and for whom.
  const rows: [field: string, value: string | undefined, client: string][] = [
    ['/a/b', 'deep', 'deep'],
    ['/%61/b', 'deep', 'deep'],
    ['/a/%62', 'deep', 'deep'],
    ['a', shallow, 'shallow'],
    ['/a', shallow, 'shallow'],
    ['%61', shallow, 'shallow'],
    ['a/b', 'slash', 'slash'],
    ['/a~1b', 'slash', 'slash'],
    ['/a%7E1b', 'slash', 'slash'],
    ['/list/0', 'item', 'item'],
    ['/list/%30', 'item', 'item'],
    ['a~1b', 'tilde', 'all'],
    ['/a~01b', 'tilde', 'all'],
    ['/a/c', 'other', 'all'],
    ['/list/1', 'next', 'all'],
    ['/list/00', undefined, 'all'],
    ['/list/-', undefined, 'all'],
    ['/a/b/', undefined, 'all'],
    ['//a/b', undefined, 'all'],
    ['/a//b', undefined, 'all'],
    ['/a/', undefined, 'all'],
    ['/', undefined, 'all'],
    ['/A/b', undefined, 'all']
  ]
  for (const client of ['deep', 'shallow', 'slash', 'item', 'all']) {
    const key = await issueKey(app.keyring, client)
    for (const [field, value, owner] of rows) {
      for (const format of ['json', 'raw']) {
        const urls = [`ref=${q(`alpha:doc#${field}`)}`, `ref=alpha:doc&field=${q(field)}`]
        for (const url of urls) {
          const answer = await inject(
            app,
            'GET',
            `/v1/secrets?${url}&format=${format}`,
            bearer(key)
          )
          const mayRead = client === owner || client === 'all'
          const expected = mayRead ? (value === undefined ? 404 : 200) : 403
          if (answer.status !== expected) t.fail(`${client} ${url} ${format}: ${answer.status}`)
          if (expected !== 200) continue
          const told = format === 'raw' ? answer.body : JSON.parse(answer.body).value
          if (told !== value) t.fail(`${client} ${url} ${format}: another field`)
        }
      }
    }
    for (const field of [
      '/a%2Fb',
      'a%2Fb',
      '%2Fa',
      '/a~',
      '/a~2b',
      '/a~b',
      '/a%00',
      'a#b',
      'a?b'
    ]) {
      const answer = await inject(
        app,
        'GET',
        `/v1/secrets?ref=alpha:doc&field=${q(field)}`,
        bearer(key)
      )
      t.equal(answer.status, 400, `${client} ${field}`)
    }
  }
})

test('a denial is the same bytes for a missing store, a missing secret, a forbidden one and an unknown name', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  await app.seed('alpha', 'team-b/one', 'x')
  const headers = { ...bearer(await issueKey(app.keyring, 'team-a')), 'x-request-id': 'same' }
  const answers = await Promise.all(
    [
      '/v1/secrets?ref=alpha:team-b/one',
      '/v1/secrets?ref=alpha:team-b/none',
      '/v1/secrets?ref=gamma:team-b/one',
      '/v1/secrets?ref=beta:team-b/one%23none',
      `/v1/secrets?ref=${q('arn:aws:secretsmanager:eu-west-1:123456789012:secret:x')}`,
      `/v1/secrets?ref=${q('https://other.vault.azure.net/secrets/x')}`,
      '/v1/secrets/short-b',
      '/v1/secrets/no-such-name'
    ].map((url) => app.app.server.inject({ url, headers }))
  )
  for (const answer of answers) {
    t.equal(answer.statusCode, 403)
    t.equal(answer.body, answers[0]?.body)
    const { date: _date, ...rest } = answer.headers
    const { date: _first, ...expected } = answers[0]?.headers ?? {}
    t.same(rest, expected)
  }
  t.match(JSON.parse(answers[0]?.body ?? ''), { code: 'access_denied', status: 403 })
})

test('a key of mode w writes and reads nothing, by any method of any route', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const canary = createCanary()
  await app.seed('alpha', 'team-a/one', JSON.stringify({ first: canary.token, second: 'x' }))
  const key = await issueKey(app.keyring, 'everything', 'w')
  const headers = { ...bearer(key), 'content-type': 'application/json' }
  const bodies = [
    undefined,
    '{"refs":["alpha:team-a/one"]}',
    '{"value":"new"}',
    '{"data":{}}',
    '{"ref":"alpha:team-a/one"}'
  ]
  const urls = [
    '/v1/secrets?ref=alpha:team-a/one',
    '/v1/secrets?ref=alpha:team-a/one?version=1',
    '/v1/secrets/short-a',
    '/v1/secrets/batch?ref=alpha:team-a/one',
    '/v1/secrets/batch',
    '/v1/whoami'
  ]
  let written = 0
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
    for (const url of urls) {
      for (const payload of bodies) {
        const answer = await app.app.server.inject({
          method,
          url,
          headers,
          ...(payload && { payload })
        })
        t.same(canary.findIn(`${answer.body}${JSON.stringify(answer.headers)}`), [])
        if (answer.statusCode === 200) {
          t.equal(method, 'PUT')
          t.same(Object.keys(JSON.parse(answer.body)), ['ref', 'version'])
          written++
        }
      }
    }
  }
  t.equal(written, 2)
})
