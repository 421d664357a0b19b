import { type Test, test } from 'tap'
import type { Invalidated } from '../../../src/cache/invalidation.ts'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import type { Caller } from '../../../src/core/caller.ts'
import { toProblemBody } from '../../../src/core/problem.ts'
import { type SecretRecord, Sensitive, type Tags } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createBroker } from '../../../src/secrets/broker.ts'
import type { Operations } from '../../../src/secrets/guard.ts'
import type { Store } from '../../../src/secrets/stores.ts'

const TAGGED: SecretRecord = {
  text: new Sensitive('old'),
  version: '1',
  tags: new Map([['purser-read', 'true']])
}

/** A broker of one local store, which `app` may read and write below `app/`. */
const setUp = (
  operations: Partial<Operations>,
  requireTags: Record<string, string> = {},
  invalidated: Invalidated = { dropped: 0 }
) => {
  const events: AuditEvent[] = []
  const store = {
    origin: { store: 'here', place: 'p' },
    spec: { name: 'here', requireTags: new Map(Object.entries(requireTags)) },
    ...operations
  } as unknown as Store
  const cacheOf = <T>() =>
    createSecretCache<T>({
      ttlMs: 1000,
      maxEntries: 10,
      staleMs: 0,
      negativeTtlMs: 0,
      now: () => 0
    })
  const keyring = createKeyring([newEncryptionKey()])
  const broker = createBroker({
    environment: 'dev',
    record: async (event) => void events.push(event),
    log: () => undefined,
    rules: () => ({
      policy: compilePolicy([{ client: 'app', read: ['here:app/*'], write: ['here:app/*'] }]),
      book: createReferenceBook([{ name: 'here', address: { kind: 'local' } }], new Map()),
      stores: { get: () => store, all: () => [store], close: async () => {} }
    }),
    cache: cacheOf<SecretRecord>(),
    tagCache: cacheOf<Tags>(),
    invalidation: { invalidate: async () => invalidated },
    keyring: () => keyring,
    sealer: () => {
      throw new Error('there is nothing to seal here')
    },
    negativeTtlMs: 0,
    now: Date.now
  })
  const caller: Caller = {
    client: 'app',
    mode: 'rw',
    route: 'PUT /v1/secrets',
    requestId: 'r',
    address: '127.0.0.1'
  }
  return {
    events,
    write: (ref: string, ifVersion?: string) =>
      broker.writeSecret(caller, { text: ref }, { text: new Sensitive('new'), ifVersion }),
    create: (ref: string) =>
      broker.writeSecret(caller, { text: ref }, { text: new Sensitive('new'), ifAbsent: true })
  }
}

/** What the caller sees of a write that has to fail. */
const problemOf = (write: Promise<unknown>): Promise<unknown> =>
  write.then(
    () => new Error('it was written, where a problem was due'),
    (error) => toProblemBody(error)
  )

const writes = (t: Test) => t.captureFn(async () => ({ version: '2' }))

test('a store that cannot write is denied like one that may not be written to', async (t) => {
  const { write, events } = setUp({ read: async () => TAGGED })
  const expected = await problemOf(write('here:other/secret'))
  t.match(expected, { code: 'access_denied' })
  t.strictSame(await problemOf(write('here:app/secret')), expected)
  t.match(events, [
    { outcome: 'denied', reason: 'no_rule' },
    { outcome: 'denied', reason: 'store_cannot_write' }
  ])
})

test('a version to compare with is refused where the store cannot compare, and nothing is written', async (t) => {
  const write = writes(t)
  const blind = setUp({ write })
  t.match(await problemOf(blind.write('here:app/secret', '1')), { code: 'invalid_request' })
  t.equal(write.calls.length, 0)
  const seeing = setUp({ write, comparesVersions: true })
  t.match(await seeing.write('here:app/secret', '1'), { version: '2' })
  t.match(write.calls[0]?.args, [{ path: 'app/secret' }, {}, { ifVersion: '1' }])
})

test('that there is no such secret is a condition of the same stores', async (t) => {
  const write = writes(t)
  const blind = setUp({ write })
  t.match(await problemOf(blind.create('here:app/secret')), { code: 'invalid_request' })
  t.equal(write.calls.length, 0)
  const seeing = setUp({ write, comparesVersions: true })
  t.match(await seeing.create('here:app/secret'), { version: '2' })
  t.match(write.calls[0]?.args, [{ path: 'app/secret' }, {}, { ifAbsent: true }])
})

test('what is not tagged for the broker is not written to', async (t) => {
  for (const [tags, isWritten] of [
    [{ 'purser-read': 'true' }, true],
    [{ 'purser-read': 'false' }, false]
  ] as const) {
    const write = writes(t)
    const told = { ...TAGGED, tags: new Map(Object.entries(tags)) }
    const required = { 'purser-read': 'true' }
    for (const provider of [
      { write, read: async () => told },
      { write, readTags: async () => told.tags }
    ]) {
      const attempt = setUp(provider, required).write('here:app/secret')
      if (isWritten) t.match(await attempt, { version: '2' })
      else t.match(await problemOf(attempt), { code: 'access_denied' })
    }
    t.equal(write.calls.length, isWritten ? 2 : 0)
  }
})

test('what a write costs its store, the look at tags included, counts on the share of its client', async (t) => {
  const asked: unknown[] = []
  const note = ({ client }: { client?: string | undefined }) => asked.push(client)
  const setUpWith = (operations: Partial<Operations>) =>
    setUp(
      {
        write: async (_locator, _text, options) => {
          note(options)
          return { version: '2' }
        },
        ...operations
      },
      { 'purser-read': 'true' }
    )
  const apart = setUpWith({
    readTags: async (_locator, options) => {
      note(options)
      return new Map([['purser-read', 'true']])
    }
  })
  await apart.write('here:app/x')
  const together = setUpWith({
    read: async (_locator, options) => {
      note(options)
      return TAGGED
    }
  })
  await together.write('here:app/x')
  t.same(asked, ['app', 'app', 'app', 'app'])
})

test('a write that the other replicas do not know of yet says so', async (t) => {
  const provider = { write: async () => ({ version: '2' }) }
  t.match(await setUp(provider, {}, { dropped: 0, pending: true }).write('here:app/a'), {
    version: '2',
    pending: true
  })
  t.notOk('pending' in (await setUp(provider).write('here:app/a')))
})
