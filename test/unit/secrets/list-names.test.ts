// Names without values: whom policy and tags let see them, what is told of each, and the bounds of what one client reaches.
import { test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { type SecretRecord, Sensitive, type Tags } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import type { Listing, PageRequest } from '../../../src/kinds/provider.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createListNames } from '../../../src/secrets/list-names.ts'
import { createListReach } from '../../../src/secrets/list-reach.ts'
import type { Store } from '../../../src/secrets/stores.ts'
import { createTagGate } from '../../../src/secrets/tag-gate.ts'

const CALLER = {
  client: 'admin',
  mode: 'rw' as const,
  route: 'GET /console/api/names',
  requestId: 'r',
  address: '127.0.0.1'
}
const ADDRESS = { kind: 'local' } as const
const NO_TAGS: ReadonlyMap<string, string> = new Map()

interface Kept {
  readonly paths: readonly string[]
  readonly requireTags?: ReadonlyMap<string, string>
  readonly tagsOf?: (path: string) => Tags
  readonly cannotList?: true
  readonly fails?: true
}

interface SetUp {
  readonly stores: Readonly<Record<string, Kept>>
  readonly admin?: readonly string[]
  readonly shop?: readonly string[]
  readonly recordFails?: true
}

const setUp = ({ stores, admin = ['kv:**'], shop = ['kv:shop/**'], recordFails }: SetUp) => {
  const records: AuditEvent[] = []
  const asked: string[] = []
  const storeOf = ([name, kept]: readonly [string, Kept]): Store => {
    const { paths, requireTags = NO_TAGS, tagsOf, cannotList, fails } = kept
    const list = async (_prefix: string, page: PageRequest): Promise<Listing> => {
      asked.push(name)
      if (fails) throw new ProviderFault('unavailable')
      const from = Number(page.cursor ?? '0')
      const to = from + page.limit
      return {
        paths: paths.slice(from, to),
        ...(to < paths.length && { cursor: String(to) })
      }
    }
    return {
      spec: { name, requireTags },
      origin: { store: name, place: 'here' },
      write: async () => ({ version: '1' }),
      ...(tagsOf && { readTags: async ({ path }: { path: string }) => tagsOf(path) }),
      ...(!cannotList && { list })
    } as unknown as Store
  }
  const all = Object.entries(stores).map(storeOf)
  const kept = { maxEntries: 1_000, staleMs: 0, ttlMs: 60_000, negativeTtlMs: 1_000 }
  const now = () => 1_000
  const cache = createSecretCache<SecretRecord>({ ...kept, now })
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => {
      if (recordFails) throw new ProblemError('audit_unavailable')
      records.push(event)
    },
    log: () => {}
  })
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  const options = {
    rules: () => ({
      policy: compilePolicy([
        { client: 'admin', read: [...admin], write: ['kv:shop/a'] },
        { client: 'shop', read: [...shop] }
      ]),
      book: createReferenceBook(
        Object.keys(stores).map((name) => ({ name, address: ADDRESS })),
        new Map()
      ),
      stores: {
        get: (name: string) => all.find(({ spec }) => spec.name === name),
        all: () => all,
        close: async () => {}
      }
    }),
    sealer: () => sealer,
    recorder,
    cache,
    tagGate: createTagGate({
      cache: createSecretCache<Tags>({ ...kept, now }),
      negativeTtlMs: 1,
      now
    }),
    now
  }
  const keep = (path: string, tags?: Tags) =>
    cache.load({ store: 'kv', place: 'here' }, { path }, async () => ({
      text: new Sensitive('a value'),
      version: '7',
      ...(tags && { tags })
    }))
  const { listNames } = createListNames(options)
  const page = (limit = 100, cursor?: string, more: { isOnRecord?: true } = {}) =>
    listNames(CALLER, { prefix: 'kv:', limit, ...(cursor !== undefined && { cursor }), ...more })
  const { listReach } = createListReach(options)
  const reach = (client = 'shop') => listReach(CALLER, client)
  return { page, reach, keep, records, asked }
}

test('a later page of one request is on record by the first, unless it fails', async (t) => {
  const { page, records } = setUp({ stores: { kv: { paths: ['shop/a', 'shop/b'] } } })
  const { cursor } = await page(1)
  await page(1, cursor, { isOnRecord: true })
  t.match(records, [{ outcome: 'allowed' }])
  await t.rejects(page(1, 'no cursor of ours', { isOnRecord: true }), { code: 'invalid_request' })
  t.match(records, [{ outcome: 'allowed' }, { action: 'secret.list', outcome: 'failed' }])
})

test('a name is told with what is cached of it, and whether the caller may write it', async (t) => {
  const { page, keep, records } = setUp({ stores: { kv: { paths: ['shop/a', 'shop/b'] } } })
  await keep('shop/a')
  t.same(await page(), {
    names: [
      {
        path: 'shop/a',
        reference: 'kv:shop/a',
        cached: { version: '7', fetchedAt: 1_000 },
        isWritable: true
      },
      { path: 'shop/b', reference: 'kv:shop/b', isWritable: false }
    ],
    isPartial: false
  })
  t.match(records, [{ action: 'secret.list', outcome: 'allowed', reference: 'kv:' }])
})

test('pages follow one another, and have what policy allows alone', async (t) => {
  const paths = ['bank/a', 'shop/a', 'shop/b', 'zoo/a']
  const { page } = setUp({ stores: { kv: { paths } }, admin: ['kv:shop/*'] })
  const first = await page(1)
  t.same(
    first.names.map(({ path }) => path),
    ['shop/a']
  )
  const last = await page(1, first.cursor)
  t.same(
    last.names.map(({ path }) => path),
    ['shop/b']
  )
  t.equal(last.cursor, undefined)
  const nobody = setUp({ stores: { kv: { paths } }, admin: [] })
  await t.rejects(nobody.page(), { code: 'access_denied' })
  t.same(nobody.asked, [])
  t.match(nobody.records, [{ action: 'secret.list', outcome: 'denied', reason: 'no_rule' }])
})

const TAGGED = new Map([['purser', 'yes']])

test('a name whose secret lacks a tag, or of which that cannot be told without the value, is none', async (t) => {
  const paths = ['shop/a', 'shop/b', 'shop/c', 'shop/d']
  const isOdd = (path: string): Tags => (/[ac]$/.test(path) ? TAGGED : NO_TAGS)
  const told = setUp({ stores: { kv: { paths, requireTags: TAGGED, tagsOf: isOdd } } })
  const first = await told.page(1)
  t.same(
    first.names.map(({ path }) => path),
    ['shop/a']
  )
  t.same(
    (await told.page(1, first.cursor)).names.map(({ path }) => path),
    ['shop/c']
  )
  t.match(await told.reach(), { names: ['kv:shop/a', 'kv:shop/c'], isPartial: true })

  const withValue = setUp({ stores: { kv: { paths, requireTags: TAGGED } } })
  await withValue.keep('shop/a', TAGGED)
  await withValue.keep('shop/b', NO_TAGS)
  t.same(
    (await withValue.page()).names.map(({ path }) => path),
    ['shop/a']
  )
})

test('what a client may read is told as far as whoever asks may read it, too', async (t) => {
  const paths = ['bank/a', 'shop/a', 'shop/hidden', 'zoo/a']
  const { reach, records } = setUp({
    stores: { kv: { paths } },
    admin: ['kv:shop/a', 'kv:bank/*'],
    shop: ['kv:shop/*', 'kv:zoo/*']
  })
  t.same(await reach(), { names: ['kv:shop/a'], isPartial: false })
  t.same(await reach('nobody'), { names: [], isPartial: false })
  t.match(records, [
    { action: 'secret.list', client: 'admin', reference: 'kv:', object: 'client shop' }
  ])
})

test('a store that cannot list, that fails or that whoever asks may not know leaves the answer partial', async (t) => {
  const paths = ['shop/a']
  const both = { admin: ['kv:**', 'other:**'], shop: ['kv:**', 'other:**'] }
  for (const other of [
    { paths, cannotList: true },
    { paths, fails: true }
  ] as const) {
    const { reach } = setUp({ stores: { kv: { paths }, other }, ...both })
    t.same(await reach(), { names: ['kv:shop/a'], isPartial: true })
  }
  const unknown = setUp({ stores: { kv: { paths }, other: { paths } }, shop: both.shop })
  t.same(await unknown.reach(), { names: ['kv:shop/a'], isPartial: true })
  t.same(unknown.asked, ['kv'])
})

test('so many names of a client are told and no more, and only two such questions at once', async (t) => {
  const paths = Array.from({ length: 501 }, (_, i) => `shop/${i}`)
  const { reach } = setUp({ stores: { kv: { paths } } })
  const { names, isPartial } = await reach()
  t.equal(names.length, 500)
  t.equal(isPartial, true)
  const whole = setUp({ stores: { kv: { paths: paths.slice(0, 500) } } })
  t.equal((await whole.reach()).isPartial, false)
  const [, , third] = await Promise.allSettled([whole.reach(), whole.reach(), whole.reach()])
  t.match(third, { status: 'rejected', reason: { code: 'overloaded' } })
  t.equal((await whole.reach()).names.length, 500)
})

test('without a record nothing is told', async (t) => {
  const { page, reach } = setUp({ stores: { kv: { paths: ['shop/a'] } }, recordFails: true })
  await t.rejects(page(), { code: 'audit_unavailable' })
  await t.rejects(reach(), { code: 'audit_unavailable' })
})
