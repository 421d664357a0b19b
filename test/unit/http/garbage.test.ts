// What is done with is garbage at once, not only at V8's next full collection, which makes each small collection ten times dearer.
import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { type Connection, createConnections } from '../../../src/http/connections.ts'
import { createLedger, enterAnswer, forgetAnswer } from '../../../src/http/ledger.ts'

setFlagsFromString('--expose-gc')
const collect: (options?: { type: 'minor' }) => void = runInNewContext('gc')

const ROUNDS = 100
const PER_ROUND = 50
const BYTES = 8_000

const heap = (): number => getHeapStatistics().used_heap_size

/** What of all that was used is still there, as a share, after small collections alone. */
const kept = async (use: (heavy: object, n: number) => void): Promise<number> => {
  collect()
  collect()
  const before = heap()
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < PER_ROUND; n++) use(new Array(BYTES / 8).fill(n), n)
    // What was put off is begun in the first, and nothing is left for the second.
    await turn()
    await turn()
    collect({ type: 'minor' })
  }
  for (let n = 0; n < 5; n++) {
    await turn()
    collect({ type: 'minor' })
  }
  return (heap() - before) / (ROUNDS * PER_ROUND * BYTES)
}

/** Of several attempts, since a full collection may come in between and hide what is kept. */
const most = async (use: (heavy: object, n: number) => void): Promise<number> => {
  let share = 0
  for (let n = 0; n < 5; n++) share = Math.max(share, await kept(use))
  return share
}

test('an answer that was taken is kept by nobody', async (t) => {
  const connections = createConnections({ max: 100, perAddress: 100, proxies: [] })
  const ledger = createLedger(connections, 1_000_000)
  const all = Array.from({ length: 16 }, () => ({ raw: {} }) as unknown as Connection)
  const at = (n: number): Connection => all[n % 16] as Connection
  const share = await most((heavy, n) => {
    const response = heavy as ServerResponse
    enterAnswer(ledger, at(n), '127.0.0.1', { response, stream: undefined, bytes: 300 })
    forgetAnswer(ledger, at(n + 8))
  })
  t.ok(share < 0.05, `${share} of it`)
})

// Last: what outlives many collections teaches V8 to put such objects where only full ones look.
test('a Map that forgets with each use keeps much of what it forgot, which is what this is about', async (t) => {
  const map = new Map<number, object>()
  const share = await most((heavy, n) => {
    map.set(n % 16, heavy)
    map.delete((n + 8) % 16)
  })
  t.ok(share > 0.15, `${share} of it`)
})
