// A listing over a store that has many pages of what its caller may not read: what it asks for, and what it tells.

import { test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import type { Listing, PageRequest } from '../../../src/kinds/provider.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createListSecrets } from '../../../src/secrets/list-secrets.ts'
import type { Store } from '../../../src/secrets/stores.ts'

const CALLER = {
  client: 'bob',
  mode: 'r' as const,
  route: 'GET /v1/secrets',
  requestId: 'r',
  address: '127.0.0.1'
}
const ADDRESS = { kind: 'local' } as const

interface Flat {
  readonly paths: readonly string[]
  readonly pageSize?: number
  readonly read?: readonly string[]
  /** Without the tag; denied when they are read. */
  readonly untagged?: readonly string[]
  /** How long each page takes, in milliseconds. */
  readonly pageMs?: number
  readonly failAt?: number
}

/** A store of flat names, as the clouds': it filters nothing, and its cursors are as long as it likes. */
const open = (flat: Flat) => {
  const { paths, pageSize = 10, read = ['kv:bob/*'], untagged, pageMs = 0, failAt } = flat
  const clock = { now: 1_000 }
  const asked: (PageRequest & { prefix: string })[] = []
  const charged: number[] = []
  const records: AuditEvent[] = []
  const list = async (prefix: string, page: PageRequest): Promise<Listing> => {
    asked.push({ prefix, ...page })
    clock.now += pageMs
    if (asked.length === failAt) throw new ProviderFault('unavailable')
    const from = Number(/\d+$/.exec(page.cursor ?? '0'))
    const to = from + Math.min(pageSize, page.limit)
    return {
      paths: paths.slice(from, to),
      ...(to < paths.length && { cursor: `${'of the store '.repeat(to % 7)}${to}` })
    }
  }
  const store = {
    spec: { name: 'kv', requireTags: new Map(untagged && [['purser', 'yes']]) },
    list
  } as unknown as Store
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => void records.push(event),
    log: () => {}
  })
  const listSecrets = createListSecrets({
    rules: () => ({
      policy: compilePolicy([{ client: 'bob', read }]),
      book: createReferenceBook([{ name: 'kv', address: ADDRESS }], new Map()),
      stores: { get: () => store, all: () => [store], close: async () => {} }
    }),
    sealer: () => sealer,
    recorder,
    readSecrets: async (_caller, wanted) =>
      wanted.map(({ text }) =>
        untagged?.includes(text)
          ? new ProblemError('access_denied', {}, 'not_tagged')
          : new ProblemError('secret_not_found')
      ),
    now: () => clock.now
  })
  const page = async (limit: number, cursor?: string) => {
    const charge = (reads: number) => {
      charged.push(reads)
      return undefined
    }
    const answer = await listSecrets(CALLER, { prefix: 'kv:', limit, cursor, charge })
    return { ...answer, refs: answer.results.map(({ ref }) => ref) }
  }
  const pages = async (limit: number) => {
    const all: Awaited<ReturnType<typeof page>>[] = []
    let cursor: string | undefined
    do {
      const one = await page(limit, cursor)
      all.push(one)
      cursor = one.cursor
    } while (cursor !== undefined && all.length < 50)
    return all
  }
  return { page, pages, asked, charged, records, clock }
}

const names = (who: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${who}/${String(i).padStart(4, '0')}`)
const refsOf = (paths: readonly string[]): string[] => paths.map((path) => `kv:${path}`)

test('a page is full or the last one, however the store cuts its own', async (t) => {
  const bobs = names('bob', 23)
  const mixed = [...names('alice', 35), ...bobs.slice(0, 9), ...names('alix', 77), ...bobs.slice(9)]
  for (const pageSize of [5, 10, 100]) {
    for (const limit of [1, 7, 23, 24, 100]) {
      const { pages } = open({ paths: [...mixed, ...names('zoe', 50)], pageSize })
      const all = await pages(limit)
      const what = `pages of ${limit} over pages of ${pageSize}`
      t.same(
        all.flatMap(({ refs }) => refs),
        refsOf(bobs),
        what
      )
      t.equal(all.length, Math.ceil(bobs.length / limit), what)
      t.ok(
        all.slice(0, -1).every(({ refs }) => refs.length === limit),
        what
      )
    }
  }
})

test('all cursors are equally long, whatever the store writes in its own and whatever comes next is called', async (t) => {
  const paths = [...names('bob', 30), `bob/${'x'.repeat(900)}`, 'bob/z', 'zz/y']
  const { pages } = open({ paths, read: ['kv:bob/*'] })
  const lengths = (await pages(1)).map(({ cursor }) => cursor?.length)
  t.equal(lengths.pop(), undefined)
  t.equal(new Set(lengths).size, 1, lengths.join())
  t.ok((lengths[0] ?? 0) < 4_096)
})

test('a prefix below which the client can read nothing is answered without the store', async (t) => {
  const { page, asked, records } = open({ paths: names('alice', 5), read: ['kv:bob#field'] })
  t.same(await page(10), { results: [], refs: [] })
  t.same(asked, [])
  t.match(records, [{ action: 'secret.list', outcome: 'allowed', reference: 'kv:' }])
})

test('a store that takes too long, or has too many pages of others, gives a shorter page that goes on', async (t) => {
  const paths = [...names('alice', 9_990), 'bob/last']
  for (const [flat, most] of [
    [{ paths }, 64],
    [{ paths, pageMs: 1_000 }, 5]
  ] as const) {
    const { page, asked } = open(flat)
    const first = await page(5)
    t.same(first.refs, [])
    t.equal(asked.length, most)
    t.ok(first.cursor)
    let last = first
    for (let n = 0; last.cursor !== undefined && n < 300; n++) last = await page(5, last.cursor)
    t.same(last.refs, ['kv:bob/last'], 'nothing is lost')
  }
})

test('what was found before a failure is given, and the next page meets it', async (t) => {
  const { page, asked } = open({ paths: [...names('bob', 25)], failAt: 2 })
  const first = await page(20)
  t.equal(first.refs.length, 10)
  t.ok(first.cursor)
  const second = await page(20, first.cursor)
  t.same([...first.refs, ...second.refs], refsOf(names('bob', 25)))
  t.equal(second.cursor, undefined)
  t.equal(asked.length, 4)
  const failing = open({ paths: names('bob', 5), failAt: 1 })
  await t.rejects(failing.page(5), { code: 'store_unavailable' })
  t.match(failing.records, [{ action: 'secret.list', outcome: 'failed' }])
})

test('what lacks the tags is left out and not paid for, and pages are as full without it', async (t) => {
  const bobs = names('bob', 30)
  const untagged = refsOf(bobs).filter((_, i) => i % 3 !== 0)
  const { pages, charged } = open({ paths: bobs, untagged })
  const all = await pages(4)
  t.same(
    all.map(({ refs }) => refs.length),
    [4, 4, 2]
  )
  t.same(
    all.flatMap(({ refs }) => refs),
    refsOf(bobs).filter((ref) => !untagged.includes(ref))
  )
  t.same(charged, [4, 4, 2])
  const { pages: exact } = open({ paths: bobs, untagged: refsOf(bobs.slice(4)) })
  t.same(
    (await exact(4)).map(({ refs, cursor }) => [refs.length, cursor]),
    [[4, undefined]],
    'that more follows which is not to be had is not told'
  )
})
