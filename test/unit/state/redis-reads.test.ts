/** What is asked of Redis within one turn of the event loop: in how many commands, and in which order. */
import { test } from 'tap'
import type { RedisClient } from '../../../src/state/redis-client.ts'
import { createReads } from '../../../src/state/redis-reads.ts'
import { SharedUnavailable } from '../../../src/state/shared.ts'

interface Means {
  readonly isCluster?: boolean
  readonly fails?: (keys: readonly string[]) => boolean
}

const openReads = ({ isCluster = false, fails = () => false }: Means = {}) => {
  const sent: { keys: readonly string[]; withinMs: number | undefined }[] = []
  const turn: (() => void)[] = []
  let isUp = true
  const mget = async (keys: string[]) => {
    if (fails(keys)) throw new SharedUnavailable()
    return keys.map((key) => (key.endsWith('none') ? null : Buffer.from(`at ${key}`)))
  }
  const getMany = createReads({
    ask: (send, withinMs) => {
      const client = {
        mgetBuffer: (keys: string[]) => {
          sent.push({ keys: [...keys], withinMs })
          return mget(keys)
        }
      }
      return send(client as unknown as RedisClient)
    },
    beforeWrite: (work) => void turn.push(work),
    isUp: () => isUp,
    prefix: 'p:',
    isCluster
  })
  const endTurn = (): void => {
    for (const work of turn.splice(0)) work()
  }
  const goDown = (): void => {
    isUp = false
  }
  const read = async (keys: readonly string[], withinMs?: number) =>
    (await getMany(keys, withinMs)).map((value) => value?.toString())
  return { read, sent, endTurn, goDown }
}

test('what is asked in one turn is one command, sent at its end, and each has what it asked for', async (t) => {
  const { read, sent, endTurn } = openReads()
  const asked = [read(['a', 'none', 'b']), read([]), read(['b'])]
  t.strictSame(sent, [])
  endTurn()
  t.strictSame(await Promise.all(asked), [['at p:a', undefined, 'at p:b'], [], ['at p:b']])
  t.strictSame(sent, [{ keys: ['p:a', 'p:none', 'p:b', 'p:b'], withinMs: undefined }])
  const next = read(['c'])
  endTurn()
  t.strictSame(await next, ['at p:c'])
  t.equal(sent.length, 2, 'the next turn is another one')
})

test('who waits for less time is asked for apart', async (t) => {
  const { read, sent, endTurn } = openReads()
  const asked = [read(['a'], 10), read(['b']), read(['c'], 10)]
  endTurn()
  await Promise.all(asked)
  t.strictSame(sent, [
    { keys: ['p:a', 'p:c'], withinMs: 10 },
    { keys: ['p:b'], withinMs: undefined }
  ])
})

test('a command has a bounded number of keys, and who asks for more has them all', async (t) => {
  const { read, sent, endTurn } = openReads()
  const names = Array.from({ length: 600 }, (_, i) => `k${i}`)
  const asked = read(names)
  endTurn()
  t.strictSame(
    await asked,
    names.map((name) => `at p:${name}`)
  )
  t.strictSame(
    sent.map(({ keys }) => keys.length),
    [256, 256, 88]
  )
})

test('in a Cluster a command has the keys of one part in braces', async (t) => {
  const { read, sent, endTurn } = openReads({ isCluster: true })
  const asked = [
    read(['cache:{x}:1', 'mark:{x}', 'epoch:e']),
    read(['cache:{y}:1', 'mark:{y}', 'epoch:e'])
  ]
  endTurn()
  t.strictSame(await Promise.all(asked), [
    ['at p:cache:{x}:1', 'at p:mark:{x}', 'at p:epoch:e'],
    ['at p:cache:{y}:1', 'at p:mark:{y}', 'at p:epoch:e']
  ])
  t.strictSame(
    sent.map(({ keys }) => keys),
    [
      ['p:cache:{x}:1', 'p:mark:{x}'],
      ['p:epoch:e', 'p:epoch:e'],
      ['p:cache:{y}:1', 'p:mark:{y}']
    ]
  )
})

test('a command that fails fails whoever asked for one of its keys, and nobody else', async (t) => {
  const { read, endTurn } = openReads({ isCluster: true, fails: ([key]) => key === 'p:{x}' })
  const asked = [read(['{x}', '{y}']), read(['{y}', '{x}']), read(['{y}'])] as const
  endTurn()
  await t.rejects(asked[0], new SharedUnavailable())
  await t.rejects(asked[1], new SharedUnavailable())
  t.strictSame(await asked[2], ['at p:{y}'])
})

test('without a connection nothing is put into a command', async (t) => {
  const { read, sent, endTurn, goDown } = openReads()
  goDown()
  await t.rejects(read(['a']), new SharedUnavailable())
  endTurn()
  t.strictSame(sent, [])
})
