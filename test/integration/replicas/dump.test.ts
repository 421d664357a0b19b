/** What someone finds who holds Redis, and what it gains them to change it: no name, no value, nothing to swap. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type Canary, canaryOf, createCanary } from '../../support/canary.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { dumpOf, leaksIn, listenToAll, textsOf } from '../../support/redis-dump.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { startReplicas, until } from '../../support/replicas.ts'

const PREFIX = 'purser:'
/** Braces keep keys together on one node of a cluster; they are no part of what a key is called. */
const isOf = (kind: 'cache' | 'state', key: string): boolean =>
  key.replace(/[{}]/g, '').startsWith(`${PREFIX}${kind}:`)
/** An envelope holds an IV, a tag, the times and a record: what is shorter is none. */
const SHORTEST_ENVELOPE = 64

/** Hashes that anyone can make who guesses the text. */
const plainHashesOf = (name: string, text: string): [string, Canary][] =>
  ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
    (['hex', 'base64', 'base64url'] as const).map((encoding): [string, Canary] => [
      `the ${algorithm} of ${name}`,
      canaryOf(createHash(algorithm).update(text).digest(encoding).slice(0, 20))
    ])
  )

testWithRedis(
  'Redis holds and hears no secret, no name of one and no key in any encoding, and nothing stays but the state',
  async (t, redis) => {
    const secret = createCanary()
    const field = createCanary()
    const path = canaryOf('team/name-7f31c9d2e80b')
    const client = canaryOf('client-c4a90be71d')
    const fieldName = canaryOf('field-0b7d2f63aa')
    const text = (of: string) =>
      of.endsWith('/fields')
        ? JSON.stringify({ [fieldName.token]: field.token, b: 'x' })
        : secret.token
    const store = await startCountingStore(t, { text })
    const heard = await listenToAll(t, redis.client())
    const variables = { RATE_LIMIT_ENABLED: 'true', CACHE_NEGATIVE_TTL_SECONDS: '600' }
    const replicas = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
    const { all, issue, revoke } = replicas
    const { apiKey, keyId } = await issue(client.token)
    const other = await issue(client.token)

    store.say({ is: 'not found' }, `${path.token}/missing`)
    store.say({ is: 'denied' }, `${path.token}/denied`)
    for (const replica of all) {
      for (const end of [
        'text',
        'fields',
        'missing',
        'denied',
        `fields&field=${fieldName.token}`
      ]) {
        await replica.read(`${path.token}/${end}`, { apiKey })
      }
      await replica.read(`${path.token}/text`, { apiKey, headers: { 'cache-control': 'no-cache' } })
      await replica.read(`${path.token}/text`, { apiKey: `${apiKey}x` })
      t.equal((await replica.invalidate({ ref: `aws:${path.token}/missing` })).status, 200)
      t.equal((await replica.read(`${path.token}/fields`, { apiKey })).status, 200)
    }
    t.comment(`revoked by ${await revoke(all[0]!, other.keyId)}`)
    // Counters are added up in the background.
    await sleep(1_000)

    const dump = await dumpOf(redis.client())
    const kinds = new Map<string, number>()
    for (const { key } of dump) {
      const kind = key.replace(/[{}]/g, '').split(':').slice(0, 2).join(':')
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    t.comment(
      `${dump.length} keys: ${JSON.stringify(Object.fromEntries(kinds))}; ${heard.length / 2} messages`
    )
    const entries = dump.filter(({ key }) => isOf('cache', key))
    t.ok(entries.length >= 3, 'there is something to look through: two secrets and a refusal')
    t.ok(heard.length > 0, 'and messages were heard')
    t.ok(dump.every(({ key }) => key.startsWith(PREFIX)))

    const canaries: Record<string, Canary> = {
      'a secret': secret,
      "a field's value": field,
      "a field's name": fieldName,
      "a secret's name": path,
      'a client': client,
      'an API key': canaryOf(apiKey),
      'the address of a caller': canaryOf('127.0.0.1'),
      'an encryption key': canaryOf(replicas.encryptionKey),
      'the internal secret': canaryOf(replicas.internalSecret),
      ...Object.fromEntries(
        ['text', 'fields', 'missing', 'denied'].flatMap((end) => [
          ...plainHashesOf('a path', `${path.token}/${end}`),
          ...plainHashesOf('a reference', `aws:${path.token}/${end}`)
        ])
      ),
      ...Object.fromEntries([
        ...plainHashesOf('a secret', secret.token),
        ...plainHashesOf('an address', '127.0.0.1')
      ])
    }
    t.strictSame(leaksIn(textsOf(dump), canaries), [])
    t.strictSame(leaksIn(heard, canaries), [])
    t.strictSame(
      dump
        .filter(({ key, ttlMs }) => ttlMs === undefined && !isOf('state', key))
        .map(({ key }) => key),
      [],
      'no key stays but the state'
    )
    t.ok(
      entries.every(({ ttlMs = 0 }) => ttlMs <= 1_000 * (600 + 3_600 + 60)),
      'nor longer than it is of use'
    )
    t.equal((await all[0]!.read(`${path.token}/text`, { apiKey })).status, 200, keyId)
  }
)

/** The envelopes that a piece of work leaves in Redis. */
const envelopesOf = async (redis: Redis): Promise<Map<string, Buffer>> => {
  const dump = await dumpOf(redis)
  return new Map(
    dump.flatMap(({ key, type, parts: [value] }) =>
      isOf('cache', key) && type === 'string' && value && value.length >= SHORTEST_ENVELOPE
        ? [[key, value] as const]
        : []
    )
  )
}

const put = async (redis: Redis, key: string, value: Buffer): Promise<void> => {
  await redis.set(key, value, 'PX', 600_000)
}

testWithRedis(
  'two envelopes that were swapped in Redis are both misses, and each value comes right',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    for (const path of ['first', 'second'])
      t.equal((await all[0]!.read(path)).body['value'], `${path} v1`)
    const client = redis.client()
    const envelopes = [...(await envelopesOf(client))]
    t.equal(envelopes.length, 2)
    const [[one, ofOne], [two, ofTwo]] = envelopes as [[string, Buffer], [string, Buffer]]
    await put(client, one, ofTwo)
    await put(client, two, ofOne)
    store.forget()
    for (const path of ['first', 'second']) {
      const { headers, body } = await all[1]!.read(path)
      t.strictSame([headers['x-cache'], body['value']], ['MISS', `${path} v1`])
    }
    t.equal(store.calls(), 2)
  }
)

testWithRedis(
  'an envelope that was changed, cut short, emptied or put elsewhere is a miss, and never a wrong value',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url })
    const client = redis.client()
    const flip = (at: (length: number) => number) => (value: Buffer) => {
      const changed = Buffer.from(value)
      const index = at(value.length)
      changed[index] = (changed[index] ?? 0) ^ 1
      return changed
    }
    const changes: Readonly<Record<string, (value: Buffer, former: Buffer) => Buffer>> = {
      'first-bit': flip(() => 0),
      'second-bit': flip(() => 1),
      'middle-bit': flip((length) => length >> 1),
      'last-bit': flip((length) => length - 1),
      cut: (value) => value.subarray(0, -1),
      halved: (value) => value.subarray(0, value.length >> 1),
      longer: (value) => Buffer.concat([value, Buffer.from([0])]),
      emptied: () => Buffer.alloc(0),
      text: () => Buffer.from('{"value":"wrong"}'),
      foreign: (_, former) => former
    }
    await all[0]!.read('unchanged')
    let known = await envelopesOf(client)
    t.equal(known.size, 1)
    const [former] = known.values()
    for (const [path, change] of Object.entries(changes)) {
      await all[0]!.read(path)
      const now = await envelopesOf(client)
      const [added] = [...now].filter(([key]) => !known.has(key))
      t.ok(added, `there is an envelope for ${path}`)
      if (added !== undefined) await put(client, added[0], change(added[1], former!))
      known = now
    }
    store.forget()
    for (const path of Object.keys(changes)) {
      const { headers, body } = await all[1]!.read(path)
      t.strictSame([headers['x-cache'], body['value']], ['MISS', `${path} v1`], path)
      t.equal(store.calls(path), 1, path)
    }
    const { shared } = await all[1]!.shown('cache')
    t.strictSame(shared, {
      isUp: true,
      refusedEnvelopes: Object.keys(changes).length,
      unfamiliarEnvelopes: 0
    })
    t.equal(
      (await all[1]!.read('unchanged')).headers['x-cache'],
      'HIT',
      'the one that was let alone is good'
    )
  }
)

testWithRedis(
  'an envelope that is put back after its time is a miss, also while the store is down',
  async (t, redis) => {
    const store = await startCountingStore(t)
    const variables = { CACHE_TTL_SECONDS: '1', STALE_IF_ERROR_SECONDS: '1' }
    const { all } = await startReplicas(t, { count: 2, store, redisUrl: redis.url, variables })
    const client = redis.client()
    await all[0]!.read('kept')
    const [former] = [...(await envelopesOf(client))]
    t.ok(former)
    const isGone = async () => (await envelopesOf(client)).size === 0
    t.not(
      await until(isGone, { withinMs: 5_000, everyMs: 100 }),
      undefined,
      'Redis forgets it by itself'
    )
    await sleep(100)
    if (former !== undefined) await put(client, ...former)
    store.say({ is: 'failing' })
    t.equal((await all[1]!.read('kept')).status, 503)
    t.match(await all[1]!.shown('cache'), { shared: { refusedEnvelopes: 1 } })
    store.raise('kept')
    store.say({ is: 'found' })
    const isNew = async () => (await all[1]!.read('kept')).status === 200
    t.not(await until(isNew, { withinMs: 10_000, everyMs: 100 }), undefined)
    if (former !== undefined) await put(client, ...former)
    t.equal((await all[1]!.read('kept')).body['value'], 'kept v2')
  }
)
