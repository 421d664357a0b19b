// The steps of a read, each as it is run: their order, and that a refusal runs none of them but the record.
import { test } from 'tap'
import { createSecretCache, type SecretCache } from '../../../src/cache/secret-cache.ts'
import type { Caller } from '../../../src/core/caller.ts'
import { type SecretRecord, Sensitive, type Tags } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { createBroker } from '../../../src/secrets/broker.ts'
import type { Store } from '../../../src/secrets/stores.ts'

const TAGS: Tags = new Map([['purser-read', 'true']])
const CALLER: Caller = {
  client: 'app',
  mode: 'r',
  route: 'GET /v1/secrets',
  requestId: 'r',
  address: '127.0.0.1'
}

/** A broker of a store that tells its tags apart from the text; `app` may read below `app/`. */
const setUp = () => {
  const steps: string[] = []
  const watched = <T>(name: string): SecretCache<T> => {
    const none = { ttlMs: 1000, maxEntries: 10, staleMs: 0, negativeTtlMs: 0, now: () => 0 }
    const cache = createSecretCache<T>(none)
    const lookup: SecretCache<T>['lookup'] = (...what) => {
      steps.push(`look for ${name}`)
      return cache.lookup(...what)
    }
    return { ...cache, lookup }
  }
  const store = {
    origin: { store: 'here', place: 'p' },
    spec: { name: 'here', requireTags: TAGS },
    readTags: async () => {
      steps.push('ask for tags')
      return TAGS
    },
    read: async (): Promise<SecretRecord> => {
      steps.push('ask for text')
      return { text: new Sensitive('text'), version: '1' }
    },
    list: async () => {
      steps.push('ask for paths')
      return { paths: ['app/a'] }
    }
  } as unknown as Store
  const keyring = createKeyring([newEncryptionKey()])
  const rules = {
    policy: compilePolicy([{ client: 'app', read: ['here:app/*'] }]),
    book: createReferenceBook([{ name: 'here', address: { kind: 'local' } }], new Map()),
    stores: { get: () => store, all: () => [store], close: async () => {} }
  }
  const broker = createBroker({
    environment: 'dev',
    record: async ({ action, outcome }) => void steps.push(`${action} ${outcome}`),
    log: () => undefined,
    rules: () => rules,
    cache: watched<SecretRecord>('text'),
    tagCache: watched<Tags>('tags'),
    invalidation: { invalidate: async () => ({ dropped: 0 }) },
    keyring: () => keyring,
    sealer: () => createSealer(keyring),
    negativeTtlMs: 0,
    now: () => 0
  })
  return { broker, steps }
}

test('a read asks for tags, looks into the cache, asks the store, and is on record last', async (t) => {
  const { broker, steps } = setUp()
  const read = () => broker.readSecret(CALLER, { text: 'here:app/a' })
  await read()
  t.strictSame(steps.splice(0), [
    'look for tags',
    'ask for tags',
    'look for text',
    'ask for text',
    'secret.read allowed'
  ])
  await read()
  t.strictSame(steps, ['look for tags', 'look for text', 'secret.read allowed'])
})

test('a refusal looks into no cache and asks no store: it takes the same time, whatever is there', async (t) => {
  const { broker, steps } = setUp()
  await broker.readSecret(CALLER, { text: 'here:app/a' })
  const nobody = { ...CALLER, client: 'nobody' }
  const writer = { ...CALLER, mode: 'w' } as const
  for (const [caller, text] of [
    [nobody, 'here:app/a'],
    [nobody, 'here:app/none'],
    [writer, 'here:app/a'],
    [CALLER, 'here:other/a']
  ] as const) {
    steps.length = 0
    await t.rejects(broker.readSecret(caller, { text }))
    await broker.readSecrets(caller, [{ text }])
    t.strictSame(steps, ['secret.read denied', 'secret.read denied'], `${caller.client} ${text}`)
  }
  steps.length = 0
  await t.rejects(
    broker.listSecrets(nobody, { prefix: 'here:app/', limit: 9, charge: () => undefined })
  )
  t.strictSame(steps, ['secret.list denied'])
})
