/**
 * Replicas that start while messages come in without pause: what others say, what nobody of ours says, and what is no message
 * at all. `STARTS=20` makes it as many starts; 5 unless told otherwise.
 */
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import { epochKey, familyName } from '../../../src/cache/names.ts'
import { fingerprint } from '../../../src/crypto/fingerprint.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { startCountingStore } from '../../support/counting-store.ts'
import { testWithRedis } from '../../support/redis-test.ts'
import { gist, startReplicas, until } from '../../support/replicas.ts'

const STARTS = Number(process.env['STARTS'] ?? 5)
const EVERY_MS = 5
const CHANNEL = 'purser:messages'

const invalidate = (body: unknown): string => `invalidate\n${JSON.stringify(body)}`

/** Each with what it is, for the sake of whoever reads a failure. */
const messagesUnder = (encryptionKey: string): readonly (string | Buffer)[] => {
  const { active } = createKeyring([encryptionKey])
  const epochs = [epochKey(active, 'aws')]
  const revoked = randomUUID()
  return [
    // Of another replica.
    invalidate({ from: 'another', epochs }),
    invalidate({ from: 'another', epochs, families: [familyName(active, 'aws', 'kept')] }),
    invalidate({ from: 'another', epochs, counts: false }),
    `revoked\n${revoked} ${fingerprint(active, ['revocation', revoked])}`,
    `revoked\n${revoked}`,
    'objects\n',
    // Of another deployment on the same channel, or of a later version.
    invalidate({ from: 'another', epochs: ['epoch:none-of-ours'] }),
    `revoked\n${randomUUID()} ${'A'.repeat(43)}`,
    'later\n{}',
    '__proto__\nconstructor',
    // Of nobody.
    '',
    '\n',
    'invalidate',
    'invalidate\n',
    'invalidate\nnull',
    'invalidate\n[]',
    invalidate({ from: 1, epochs: [null] }),
    invalidate({ from: 'another', epochs: { length: 1 }, families: 'all' }),
    `invalidate\n${'['.repeat(100_000)}`,
    'revoked\n',
    'revoked\n../../etc',
    `objects\n${'x'.repeat(65_536)}`,
    Buffer.from([0xff, 0xfe, 0x0a, 0x00])
  ]
}

/** Sends one after the other, as fast as the interval says, until told to end; gives how many were sent. */
const flood = (t: Test, client: Redis, messages: readonly (string | Buffer)[]): (() => number) => {
  let sent = 0
  const timer = setInterval(() => {
    client.publish(CHANNEL, messages[sent++ % messages.length] ?? '').catch(() => {})
  }, EVERY_MS)
  const end = (): number => {
    clearInterval(timer)
    return sent
  }
  t.teardown(end)
  return end
}

testWithRedis(
  `${STARTS} of ${STARTS} starts survive a flood of messages, and then serve, hear and end as ever`,
  async (t, redis) => {
    const store = await startCountingStore(t)
    const options = { count: 1, store, redisUrl: redis.url }
    const { all, start, encryptionKey } = await startReplicas(t, options)
    const endFlood = flood(t, redis.client(), messagesUnder(encryptionKey))
    for (let n = 1; n <= STARTS; n++) {
      const fresh = await start()
      t.equal(gist(await fresh.read(`read-${n}`)).slice(0, 3), '200', `start ${n}`)
      const isReady = async () => (await fresh.readiness()) === 'ok'
      t.not(await until(isReady, { withinMs: 30_000, everyMs: 50 }), undefined)
      await fresh.read('told')
      store.raise('told')
      await all[0]!.invalidate({ ref: 'aws:told' })
      const hasHeard = async () => (await fresh.read('told')).body['value'] === store.textOf('told')
      t.not(await until(hasHeard, { withinMs: 30_000 }), undefined, 'it hears of invalidations')
      fresh.child.kill('SIGTERM')
      t.match(await fresh.ended, { code: 0, signal: null, stderr: '' })
    }
    t.ok(all[0]!.child.exitCode === null, 'who was there before is there still')
    t.comment(`${STARTS} starts, ${endFlood()} messages`)
  }
)
