// Every caller, every reference, every way to ask: nobody reads what policy does not give them, whoever asked before.
import { test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { type Canary, createCanary } from '../support/canary.ts'
import { type FakeDirectLine, startDirectLine } from '../support/fake-direct-line.ts'
import { issueKey } from '../support/keys.ts'
import { type Asked, folderOf, objectsFor, SCOPES, type Told } from '../support/way-asking.ts'
import { WAYS, type Way } from '../support/ways.ts'

const YAML = `
stores:
  - { name: alpha, kind: local }
  - { name: beta, kind: local }
policies:
  - client: everything
    read: ['alpha:**', 'beta:**']
    write: ['alpha:**', 'beta:**']
    bots: ['*']
    channels: ['*']
  - client: team-a
    read: ['alpha:team-a/*']
  - client: team-b
    read: ['alpha:team-{b,c}/**', 'beta:*/one#first']
  - client: [writer, nobody-else]
    write: ['alpha:**', 'beta:**']
    bots: ['beta-*']
    channels: ['beta-*']
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

/** A field has several spellings, and is one to policy. */
const spellingsOf = (store: string, field: string | undefined): string[] => {
  if (field === undefined) return ['']
  return store === 'alpha' ? [`#${field}`, `#/${field}`] : [`#${field}`]
}

const written = STORES.flatMap((store) =>
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
const asked: Asked[] = written.map((one, i) => ({
  ...one,
  version: '1',
  name: NAMES.get(one.ref),
  // A whole secret of several fields is nobody's credential.
  object: one.field === undefined ? undefined : `${one.store}-${i}`
}))

const q = encodeURIComponent

/** The same of bots and channels: the right on one neither needs nor gives a right on its secret. */
const mayUse = (client: string, store: string): boolean =>
  client === 'everything' || (client === 'writer' && store === 'beta')

/** One question: who asks, with a key of which mode, in which way, for what. */
interface Question {
  readonly client: string
  readonly mode: Mode
  readonly way: Way
  readonly one: Asked
}

const isAllowed = ({ client, mode, way, one }: Question): boolean => {
  if (!way.modes.includes(mode)) return false
  if (way.right === 'scope') return true
  return way.right === 'rule'
    ? mayRead(client, one.store, one.path, one.field)
    : mayUse(client, one.store)
}

/** A listing has beside what was asked for all else below the prefix that may be read. */
const isListed = ({ client, mode, way, one }: Question, store: string, path: string): boolean =>
  way.name === 'below a prefix' &&
  way.modes.includes(mode) &&
  store === one.store &&
  path.startsWith(folderOf(one.path)) &&
  mayRead(client, store, path, undefined)

interface Planted {
  readonly store: string
  readonly path: string
  readonly field: string
  readonly canary: Canary
}

/** Node reads each byte of a header as a character. */
const inHeader = (text: string): string => Buffer.from(text).toString('latin1')
const fromHeader = (text: string): string => Buffer.from(text, 'latin1').toString()

/** Each field of each secret with a canary of its own. */
const plant = async ({ seed }: TestApp, fake: FakeDirectLine): Promise<Planted[]> => {
  const planted: Planted[] = []
  for (const store of STORES) {
    for (const path of PATHS) {
      const [first, second] = [createCanary(), createCanary()]
      planted.push({ store, path, field: 'first', canary: first })
      planted.push({ store, path, field: 'second', canary: second })
      for (const { token } of [first, second]) fake.keys.add(inHeader(token))
      await seed(store, path, JSON.stringify({ first: first.token, second: second.token }))
    }
  }
  return planted
}

/** What is wrong with what was told, and with the secrets that Direct Line was shown meanwhile. */
const faultsIn = (
  question: Question,
  { status, body, headers }: Told,
  shown: string,
  planted: readonly Planted[]
): string[] => {
  const { way, one } = question
  const may = isAllowed(question)
  const faults: string[] = []
  if (status !== (may ? 200 : 403)) faults.push('the status')
  if (headers['etag'] !== undefined && !may) faults.push('an ETag')
  for (const { store, path, field, canary } of planted) {
    const isTold = canary.findIn(body).length > 0
    const isMeant = store === one.store && path === one.path && (one.field ?? field) === field
    const isDue = isMeant && may && way.leaves === 'the value'
    if (isTold && !isDue && !isListed(question, store, path)) {
      faults.push(`tells ${store}:${path}#${field}`)
    }
    if (!isTold && isDue) faults.push(`lacks ${store}:${path}#${field}`)
    if (canary.findIn(shown).length > 0 !== (isMeant && may && way.leaves === 'a token')) {
      faults.push(`Direct Line and ${store}:${path}#${field}`)
    }
  }
  return faults
}

test('no caller reads by any way what policy does not give them, cold or warm', async (t) => {
  const fake = await startDirectLine(t, [])
  const app = await buildTestApp(t, { yaml: `${YAML}\n${objectsFor(asked, fake.url)}` })
  const { internalSecret } = app
  const planted = await plant(app, fake)
  const reads = new Map<string, number>()
  let refusals = 0

  const askAll = async (when: string): Promise<void> => {
    for (const client of CLIENTS) {
      for (const mode of ['r', 'w', 'rw'] as const) {
        const key = await issueKey(app.keyring, client, mode, { scopes: SCOPES })
        for (const way of WAYS) {
          for (const one of asked) {
            fake.seen.length = 0
            const told = await way.ask(app, { client, key, internalSecret }, one)
            if (told === undefined) continue
            const question = { client, mode, way, one }
            const shown = fake.seen.map(({ authorization }) => fromHeader(authorization)).join()
            const what = `${when}: ${client} (${mode}) ${way.name} ${one.ref}: ${told.status}`
            for (const fault of faultsIn(question, told, shown, planted)) {
              t.fail(`${what}: ${fault}`)
            }
            if (isAllowed(question)) reads.set(way.name, (reads.get(way.name) ?? 0) + 1)
            else refusals++
          }
        }
      }
    }
  }

  await askAll('cold')
  const { read } = await app.as('everything', 'rw')
  for (const { ref } of asked) await read(ref)
  await askAll('warm')
  const total = [...reads.values()].reduce((sum, n) => sum + n)
  t.ok(total > 500, `${total} reads`)
  t.ok(refusals > 2000, `${refusals} refusals`)
  for (const { name } of WAYS) t.ok(reads.has(name), `somebody is given something ${name}`)
})

test('a denial is the same bytes for a missing store, a missing secret, a forbidden one and an unknown name', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  await app.seed('alpha', 'team-b/one', 'x')
  const headers = {
    authorization: `Bearer ${await issueKey(app.keyring, 'team-a')}`,
    'x-request-id': 'same'
  }
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
