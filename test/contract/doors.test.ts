// What holds for every door of another dialect: nobody is given more there than elsewhere, and what is refused is told as the dialect tells it.
import { type Test, test } from 'tap'
import { DIALECTS } from '../../src/config/door-entries.ts'
import type { Mode } from '../../src/core/principal.ts'
import { KEY_HEADERS } from '../../src/doors/key-headers.ts'
import { recordsIn } from '../support/audit-records.ts'
import { type Canary, createCanary } from '../support/canary.ts'
import { type Asked, DOORS, type DoorSubject, openDoor, type Spoken } from '../support/doors.ts'
import { issueKey } from '../support/keys.ts'
import type { Answered } from '../support/problem.ts'
import { respellingsOf } from '../support/respellings.ts'

const YAML = `
stores:
  - { name: alpha, kind: local }
  - { name: beta, kind: local }
policies:
  - { client: everything, read: ['alpha:**', 'beta:**'], write: ['alpha:**', 'beta:**'] }
  - { client: team-a, read: ['alpha:team-a/*'] }
  - { client: team-b, read: ['alpha:team-{b,c}/**', 'beta:*/one#first'] }
  - { client: writer, write: ['alpha:**'] }
  - { client: elsewhere, read: ['alpha:elsewhere/**'], write: ['alpha:elsewhere/*'] }
secrets: { short: 'alpha:team-a/one' }
`

const CLIENTS = ['everything', 'team-a', 'team-b', 'writer', 'unknown-client']
const PATHS = ['team-a/one', 'team-a/deep/one', 'team-b/one', 'team-b/deep/two', 'one']

/** The rules above once more, by hand: a right on a field is none on the whole secret, which is what doors give. */
const mayRead = (client: string, { store, path }: Asked): boolean => {
  if (client === 'everything') return true
  if (store !== 'alpha') return false
  if (client === 'team-a') return path === 'team-a/one'
  return client === 'team-b' && path.startsWith('team-b/')
}
const mayWrite = (client: string, { store }: Asked): boolean =>
  client === 'everything' || (client === 'writer' && store === 'alpha')

interface Planted extends Asked {
  readonly canary: Canary
}

const open = async (t: Test, subject: DoorSubject, env: Record<string, string> = {}) => {
  const door = await openDoor(t, subject, { yaml: YAML, env })
  const planted: Planted[] = []
  for (const store of ['alpha', 'beta']) {
    for (const path of PATHS) {
      const canary = createCanary()
      planted.push({ store, path, canary })
      await door.seed(store, path, JSON.stringify({ first: canary.token, second: 'x' }))
    }
  }
  const asked = planted.filter(({ store }) => subject.stores.includes(store))
  return { ...door, planted, asked }
}

const q = JSON.stringify

/** Bytes of an answer but for the clock. */
const bytesOf = ({ statusCode, headers, body }: Answered): string => {
  const { date: _, ...rest } = headers
  return q({ statusCode, headers: rest, body })
}

test('every dialect has its row', async (t) => {
  const dialects = DOORS.map(({ dialect }) => dialect)
  t.same([...dialects].sort(), [...DIALECTS].sort())
})

for (const subject of DOORS) {
  const { dialect, statuses, isOwnError } = subject

  test(`${dialect}: no caller reads or writes what policy does not give them, cold or warm`, async (t) => {
    const { keyring, speak, planted, asked, logs, folder } = await open(t, subject)
    let reads = 0
    let refusals = 0
    for (const when of ['cold', 'warm']) {
      for (const client of CLIENTS) {
        for (const mode of ['r', 'w', 'rw'] as Mode[]) {
          const key = await issueKey(keyring, client, mode)
          for (const one of asked) {
            const answer = await speak(subject.read(key, one))
            const may = mode.includes('r') && mayRead(client, one)
            const what = `${when}: ${client} (${mode}) ${one.store}:${one.path}: ${answer.statusCode}`
            t.equal(answer.statusCode, may ? 200 : statuses.forbidden, what)
            if (!may) t.ok(isOwnError(answer), what)
            for (const { store, path, canary } of planted) {
              const isDue = may && store === one.store && path === one.path
              const found = canary.findIn(answer.body).length > 0
              if (found !== isDue) t.fail(`${what}: ${store}:${path}`)
            }
            if (may) reads++
            else refusals++
          }
        }
      }
    }
    t.ok(reads > 20, `${reads} reads`)
    t.ok(refusals > 50, `${refusals} refusals`)
    const log = logs.join('') + q(await recordsIn(folder))
    for (const { canary } of planted) t.same(canary.findIn(log), [])
  })

  test(`${dialect}: nobody writes without the right and the mode, and no answer has the value`, async (t) => {
    if (subject.write === undefined) return
    const { keyring, speak, asked, as } = await open(t, subject)
    for (const client of CLIENTS) {
      for (const mode of ['r', 'w', 'rw'] as Mode[]) {
        const key = await issueKey(keyring, client, mode)
        for (const one of asked) {
          const canary = createCanary()
          const answer = await speak(subject.write(key, one, q({ written: canary.token })))
          const may = mode.includes('w') && mayWrite(client, one)
          const what = `${client} (${mode}) ${one.store}:${one.path}`
          t.equal(answer.statusCode < 300, may, what)
          t.same(canary.findIn(answer.body), [], what)
          if (!may) t.equal(answer.statusCode, statuses.forbidden, what)
          const { read } = await as('everything', 'rw')
          const { body } = await read(`${one.store}:${one.path}`)
          t.equal(canary.findIn(body).length > 0, may, `${what}: what is stored`)
        }
      }
    }
  })

  test(`${dialect}: a listing names what may be read, and nothing else`, async (t) => {
    if (subject.list === undefined) return
    const { keyring, speak } = await open(t, subject)
    const list = async (client: string, folder: string): Promise<string> => {
      const key = await issueKey(keyring, client)
      return (await speak(subject.list?.(key, 'alpha', folder) as Spoken)).body
    }
    t.match(await list('everything', 'team-b/'), /one/)
    t.match(await list('team-a', 'team-a/'), /one/)
    t.notMatch(await list('team-a', 'team-a/'), /deep/)
    t.notMatch(await list('team-a', ''), /team-b/)
    for (const client of ['writer', 'unknown-client']) {
      for (const folder of ['', 'team-a/', 'team-b/']) {
        t.notMatch(await list(client, folder), /one|deep|team/, `${client} ${folder}`)
      }
    }
  })

  test(`${dialect}: forbidden, missing and unconfigured are the same bytes`, async (t) => {
    const { keyring, speak } = await open(t, subject)
    const key = await issueKey(keyring, 'team-a')
    const forbidden = bytesOf(
      await speak(subject.read(key, { store: 'alpha', path: 'team-b/one' }))
    )
    for (const path of ['team-b/none', 'none', 'team-a', 'team-a/deep/one', 'team-a/deep/none']) {
      t.equal(bytesOf(await speak(subject.read(key, { store: 'alpha', path }))), forbidden, path)
    }
    for (const store of subject.stores.filter((one) => one !== 'alpha')) {
      for (const path of ['team-a/one', 'none']) {
        t.equal(bytesOf(await speak(subject.read(key, { store, path }))), forbidden, store)
      }
    }
    for (const [i, spoken] of subject.nowhere(key).entries()) {
      const { target } = await spoken
      t.equal(bytesOf(await speak(spoken)), forbidden, `${i}: ${target}`)
    }
    const { write } = subject
    if (write !== undefined) {
      const paths = ['team-b/one', 'team-b/none', 'team-a/one', 'none']
      const writes = await Promise.all(
        paths.map(async (path) => bytesOf(await speak(write(key, { store: 'alpha', path }, '{}'))))
      )
      t.equal(new Set(writes).size, 1, 'of writes too')
    }
    const missing = await speak(subject.read(key, { store: 'alpha', path: 'team-a/none' }))
    t.equal(missing.statusCode, statuses.missing, 'of what may be read it is told')
    t.ok(isOwnError(missing))
  })

  const requireAlike = async (
    t: Test,
    [first = '', ...others]: readonly string[],
    client: string
  ): Promise<void> => {
    const { hidden, sign } = subject
    const answersOf = async (entry: string): Promise<readonly string[]> => {
      const { keyring, speak } = await openDoor(t, { entry, ...(sign && { sign }) }, { yaml: YAML })
      const all: string[] = []
      for (const mode of ['r', 'w'] as Mode[]) {
        const key = await issueKey(keyring, client, mode)
        for (const spoken of hidden.requests(key)) {
          const { method, target, body = '' } = await spoken
          const asked = `${mode} ${method} ${target.slice(0, 60)} ${target.length} ${body.slice(0, 60)} ${body.length}`
          all.push(`${asked}: ${bytesOf(await speak(spoken))}`)
        }
      }
      return all
    }
    const expected = await answersOf(first)
    t.ok(expected.length > 50)
    for (const entry of others) {
      const told = await answersOf(entry)
      const differing = told.filter((answer, i) => answer !== expected[i])
      t.same(differing.slice(0, 3), [], `${entry}: ${differing.length}`)
    }
  }

  test(`${dialect}: to whoever may know of no place, each place is as one that there is not`, (t) =>
    requireAlike(t, subject.hidden.entries, 'unknown-client'))

  test(`${dialect}: so is each but its own to whoever has rights in one folder of the store`, (t) =>
    requireAlike(t, subject.hidden.besides, 'elsewhere'))

  test(`${dialect}: no spelling of a path gets round a rule`, async (t) => {
    const { keyring, speak, planted } = await open(t, subject)
    const key = await issueKey(keyring, 'team-a', 'rw')
    const allowed = 'alpha:team-a/one'
    for (const written of CONFUSIONS) {
      const answer = await speak(subject.readRaw(key, 'alpha', written))
      for (const { store, path, canary } of planted) {
        if (`${store}:${path}` === allowed) continue
        t.same(canary.findIn(answer.body), [], `${written} gives ${store}:${path}`)
      }
      if (answer.statusCode !== 200) t.ok(isOwnError(answer), `${written}: ${answer.statusCode}`)
    }
  })

  test(`${dialect}: a key is shown once, and a key that is refused is refused in one way`, async (t) => {
    const built = await open(t, subject)
    const { keyring, speak, app } = built
    const key = await issueKey(keyring, 'team-a')
    const one = { store: 'alpha', path: 'team-a/one' }
    const plain = await subject.read(key, one)
    t.equal((await speak(plain)).statusCode, 200)
    const ways = subject.credentials(key)
    const foreign = await issueKey(keyring, 'everything')
    for (const first of ways) {
      for (const [name, value] of [...ways, ...subject.credentials(foreign)]) {
        for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) {
          const headers = [
            ...plain.headers.filter(([own]) => !ways.some(([way]) => way === own)),
            first,
            [spelt, value] as const
          ]
          const answer = await speak({ ...plain, headers })
          t.equal(answer.statusCode, statuses.twoKeys, `${first[0]} and ${spelt}`)
          t.ok(isOwnError(answer))
        }
      }
    }
    const own = new Set(plain.headers.map(([name]) => name.toLowerCase()))
    for (const name of KEY_HEADERS.filter((one) => !own.has(one))) {
      const answer = await speak({ ...plain, headers: [...plain.headers, [name, 'x']] })
      t.equal(answer.statusCode, statuses.twoKeys, `${name} of another door`)
      t.ok(isOwnError(answer))
    }
    const [second, minute] = [1_000, 60_000]
    const hour = { lifetimeSeconds: 3_600 }
    const expired = await issueKey(keyring, 'team-a', 'r', hour, Date.now() - 61 * minute)
    const early = await issueKey(keyring, 'team-a', 'r', {}, Date.now() + 120 * second)
    const elsewhere = await issueKey(keyring, 'team-a', 'r', { environment: 'pro' })
    const revoked = await issueKey(keyring, 'team-a')
    t.equal((await speak(subject.read(revoked, one))).statusCode, 200)
    const { payload } = await app.server.inject({
      url: '/v1/whoami',
      headers: { 'x-api-key': revoked }
    })
    const admin = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
    const { keyId } = JSON.parse(payload)
    t.equal((await admin.ask('DELETE', `/v1/admin/keys/${keyId}`)).statusCode, 200)
    const refused = [
      expired,
      early,
      elsewhere,
      revoked,
      'nonsense',
      ...respellingsOf(key).slice(0, 8)
    ]
    const answers: string[] = []
    for (const bad of refused) {
      const answer = await speak(subject.read(bad, one))
      t.equal(answer.statusCode, statuses.badKey, bad.slice(0, 12))
      t.ok(isOwnError(answer))
      answers.push(bytesOf(answer))
    }
    // The first two are not in force.
    const alike = subject.tellsEnds ? answers.slice(2) : answers
    t.equal(new Set(alike).size, 1, 'all of them are the same bytes')
    if (subject.tellsEnds) t.equal(new Set(answers).size, 2)
    const without = await speak(subject.withoutKey(one))
    t.equal(without.statusCode, statuses.badKey)
    t.ok(isOwnError(without))
  })

  test(`${dialect}: whatever is wrong is said in the dialect`, async (t) => {
    const { keyring, speak, send } = await open(t, subject, { BODY_LIMIT_KB: '1' })
    const key = await issueKey(keyring, 'everything', 'rw')
    const one = { store: 'alpha', path: 'team-a/one' }
    const good = await subject.read(key, one)
    const say = (answer: Answered, what: string, ...expected: number[]): void => {
      t.ok(isOwnError(answer), `${what}: ${answer.body}`)
      if (expected.length > 0)
        t.ok(expected.includes(answer.statusCode), `${what}: ${answer.statusCode}`)
    }
    for (const target of ['/', '/v1', '/none', '/v2/x', '/livez', '/openapi.yaml']) {
      const answer = await speak({ ...good, method: 'GET', target })
      if (answer.statusCode !== 200) say(answer, target)
    }
    for (const method of ['TRACE', 'OPTIONS', 'PROPFIND', 'DELETE', 'PATCH']) {
      say(await speak({ ...good, method }), method)
    }
    say(await speak({ ...good, headers: [...good.headers, ['Host', 'b']] }), 'two hosts', 400)
    say(await speak({ ...good, target: `/${'x'.repeat(17_000)}` }), 'a long target', 414)
    say(
      await speak({ ...good, headers: [...good.headers, ['X-A', 'x'.repeat(40_000)]] }),
      'headers',
      431
    )
    for (const bytes of ['nonsense\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\x16\x03\x01\r\n\r\n']) {
      const [answer] = await send(bytes)
      if (answer === undefined) t.fail(`no answer to ${q(bytes)}`)
      else say(answer, q(bytes), 400)
    }
    if (subject.write !== undefined) {
      const write = await subject.write(key, one, q({ a: 'x'.repeat(4_000) }))
      say(await speak(write), 'a large body')
      say(await speak({ ...write, body: '{' }), 'no JSON')
      say(await speak({ ...write, body: '{"data":{"a":1,"a":2}}' }), 'a member twice')
      say(
        await speak({ ...write, headers: [...write.headers, ['Content-Encoding', 'gzip']] }),
        'gzip'
      )
    }
  })

  test(`${dialect}: limits are those of all doors, and are told in the dialect`, async (t) => {
    const limits = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '3' }
    const { keyring, speak, app } = await open(t, subject, limits)
    const key = await issueKey(keyring, 'team-a')
    const one = { store: 'alpha', path: 'team-a/one' }
    const headers = { 'x-api-key': key }
    await app.server.inject({ url: '/v1/whoami', headers })
    for (const status of [200, 200, statuses.throttled]) {
      const answer = await speak(subject.read(key, one))
      t.equal(answer.statusCode, status)
      if (status !== 200) t.ok(isOwnError(answer))
    }
    t.equal((await app.server.inject({ url: '/v1/whoami', headers })).statusCode, 429)
  })

  test(`${dialect}: a store that a reload took away is forbidden`, async (t) => {
    const { keyring, speak, reload } = await open(t, subject)
    const key = await issueKey(keyring, 'everything')
    const one = { store: 'alpha', path: 'team-a/one' }
    t.equal((await speak(subject.read(key, one))).statusCode, 200)
    const yaml = `stores: [{ name: other, kind: local }]\npolicies: [{ client: everything, read: ['other:**'] }]\n`
    await reload({ yaml })
    const answer = await speak(subject.read(key, one))
    t.equal(answer.statusCode, statuses.forbidden)
    t.ok(isOwnError(answer))
  })

  test(`${dialect}: the record and the metrics name the door`, async (t) => {
    const { keyring, speak, folder, app, internalSecret } = await open(t, subject)
    const key = await issueKey(keyring, 'team-a')
    await speak(subject.read(key, { store: 'alpha', path: 'team-a/one' }))
    await speak(subject.read(key, { store: 'alpha', path: 'team-b/one' }))
    await speak(subject.read('nonsense', { store: 'alpha', path: 'team-a/one' }))
    const records = (await recordsIn(folder)).filter(({ route }) =>
      route?.startsWith(`${dialect} `)
    )
    t.match(records, [
      {
        action: 'secret.read',
        outcome: 'allowed',
        client: 'team-a',
        reference: 'alpha:team-a/one'
      },
      { action: 'secret.read', outcome: 'denied', client: 'team-a', code: 'access_denied' },
      { action: 'key.authenticate', outcome: 'denied', code: 'invalid_api_key' }
    ])
    const { body } = await app.server.inject({
      url: '/internal/metrics',
      headers: { 'x-internal-secret': internalSecret }
    })
    t.match(body, new RegExp(`purser_http_requests_total\\{[^}]*route="${dialect} /`))
  })
}

/** Spellings in which some reader would see another path. */
const CONFUSIONS: readonly string[] = [
  'team-a/../team-b/one',
  'team-a/%2e%2e/team-b/one',
  'team-a/.%2e/team-b/one',
  'team-a/%2E%2E%2Fteam-b%2Fone',
  'team-a%2f..%2fteam-b%2fone',
  'team-a/%252e%252e/team-b/one',
  'team-a/..;/team-b/one',
  'team-a/..%3b/team-b/one',
  'team-a/one/../../team-b/one',
  'team-a/./../team-b/one',
  'team-a//../team-b/one',
  '/team-b/one',
  '//team-b/one',
  './team-b/one',
  '../alpha/data/team-b/one',
  '../../alpha/data/team-b/one',
  '..%2f..%2falpha%2fdata%2fteam-b%2fone',
  'team-a\\..\\team-b\\one',
  'team-a%5c..%5cteam-b%5cone',
  'team-a/%c0%ae%c0%ae/team-b/one',
  'team-a/%e0%80%ae%e0%80%ae/team-b/one',
  'team-a/%uff0e%uff0e/team-b/one',
  'team-a/%ef%bc%8e%ef%bc%8e/team-b/one',
  'team-a%00/../team-b/one',
  'team-b%00/one',
  'team-b/one%00',
  'team-b/one%0d%0aX-A:b',
  'team-a/one%23/../../team-b/one',
  'team-a/one%3f/../../team-b/one',
  'team-a/one#team-b/one',
  'team-a/one%23second',
  'team-a/one%3Fversion=1',
  'team-a/*',
  'team-a/%2a',
  '**',
  'team-%7ba,b%7d/one',
  'team-{a,b}/one',
  'TEAM-B/one',
  'team-b/one/',
  'team-b/one%20',
  '%20team-b/one',
  'team-b/one.',
  'team-b%2fone',
  'team-b%252fone',
  'beta:team-a/one',
  'alpha:team-b/one',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team-b/one',
  'ref+vault://alpha/team-b/one',
  'short',
  '%zz/team-b/one',
  'team-b/one?list=true',
  'team-b/one?version=0',
  'team-b/one?version=1',
  'team-a/one?version=1&version=2',
  'team-b/one;a=b',
  'team-b;a=b/one'
]
