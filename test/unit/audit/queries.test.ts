/** A question to the trail ends, whatever is on record: after its bounds, with where to go on, and beside few others. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createAccess } from '../../../src/audit/access.ts'
import {
  type AnswerEnd,
  createQueries,
  type GoOn,
  type Queries
} from '../../../src/audit/queries.ts'
import { BLOCK } from '../../../src/audit/read-back.ts'
import { createDirectory } from '../../support/embedded.ts'

const LINE = (i: number) =>
  `{"time":"2026-03-01T12:00:00.000Z","action":"secret.read","outcome":"allowed","client":"app","requestId":"${i}","reference":"local:${'x'.repeat(200)}"}\n`

/** About 700 kB. */
const folderOf = (t: Test): string => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  const text = Array.from({ length: 2_000 }, (_, i) => LINE(i)).join('')
  appendFileSync(join(folder, '2026-03-01.jsonl'), text)
  return folder
}

interface Asked {
  readonly found: number
  readonly end: AnswerEnd
  readonly turns: number
}

const ask = async (
  { ask }: Queries,
  more: { client?: string; goOn?: GoOn | undefined; isStream?: boolean; onTurn?: () => void } = {}
): Promise<Asked> => {
  let turns = 0
  const answer = ask({
    filter: { client: more.client },
    goOn: more.goOn,
    limit: Number.POSITIVE_INFINITY,
    isStream: more.isStream ?? false,
    turn: async () => {
      turns++
      more.onTurn?.()
    }
  })
  let found = 0
  for (;;) {
    const next = await answer.next()
    if (next.done) return { found, end: next.value, turns }
    found += next.value.length
  }
}

const LONG = { bytes: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY }

test('what finds nothing ends after so many bytes, a block a turn, and goes on to the end', async (t) => {
  const page = { bytes: 4 * BLOCK, ms: LONG.ms }
  const queries = createQueries({
    folder: folderOf(t),
    processes: () => ({ all: 3, here: 1 }),
    bounds: { page, stream: LONG }
  })
  let goOn: GoOn | undefined
  const turns: number[] = []
  for (let i = 0; i < 10; i++) {
    const asked = await ask(queries, { client: 'nobody', goOn })
    t.equal(asked.found, 0)
    t.match(asked.end, { completeFrom: '2026-03-01T12:00:00.000Z', notAsked: { replicas: 2 } })
    turns.push(asked.turns)
    goOn = asked.end.goOn
    if (goOn === undefined) break
  }
  t.ok(turns.length >= 2 && turns.length < 10, 'several pages')
  t.ok(
    turns.slice(0, -1).every((count) => count <= 6),
    `four blocks, and the beginning of a day: ${turns}`
  )
  t.match(await ask(queries, { client: 'nobody', isStream: true }), {
    found: 0,
    end: { skipped: 0 }
  })
})

test('it ends after its time too, and what was found by then is given once', async (t) => {
  const clock = { ms: 0 }
  const queries = createQueries({
    folder: folderOf(t),
    processes: () => ({ all: 1, here: 1 }),
    clock: () => clock.ms,
    bounds: { page: { bytes: LONG.bytes, ms: 100 }, stream: LONG }
  })
  let found = 0
  let pages = 0
  let goOn: GoOn | undefined
  const onTurn = (): void => {
    clock.ms += 30
  }
  do {
    const asked = await ask(queries, { goOn, onTurn })
    t.ok(asked.turns <= 4)
    found += asked.found
    pages++
    goOn = asked.end.goOn
  } while (goOn !== undefined && pages < 100)
  t.equal(found, 2_000)
  t.ok(pages > 3)
})

test('more than four at once are refused, and who leaves makes room', async (t) => {
  const queries = createQueries({ folder: folderOf(t), processes: () => ({ all: 1, here: 1 }) })
  const begun = Array.from({ length: 4 }, () =>
    queries.ask({ filter: {}, limit: 1, isStream: true, turn: async () => {} })
  )
  for (const one of begun) await one.next()
  await t.rejects(ask(queries), { code: 'overloaded', details: { retryAfter: 1 } })
  await begun[0]?.return(undefined as never)
  t.equal((await ask(queries)).found, 2_000)
  queries.close()
  const ended = await ask(queries)
  t.equal(ended.found, 0, 'a service that ends makes nobody wait for a question')
  t.ok(ended.end.goOn, 'which can go on elsewhere')
})

test('a folder that cannot be read is said to be, and a disk that hangs holds one access', async (t) => {
  const directory = createDirectory(t)
  appendFileSync(join(directory, 'audit'), 'in the way')
  const queries = createQueries({
    folder: join(directory, 'audit'),
    processes: () => ({ all: 1, here: 1 })
  })
  await t.rejects(ask(queries), { code: 'audit_unavailable', details: { retryAfter: 1 } })

  const access = createAccess(20, () => new Error('late'))
  let letGo = (): void => {}
  let begun = 0
  const hanging = () =>
    access(() => {
      begun++
      return new Promise<void>((resolve) => {
        letGo = resolve
      })
    })
  const all = [hanging(), hanging(), hanging()]
  for (const one of all) await t.rejects(one, { message: 'late' })
  t.equal(begun, 1)
  letGo()
  t.equal(await access(async () => 'there'), 'there')
  t.equal(begun, 1, 'nobody waits for those any more')
})

test('as many records as are asked for are given, in lists that are never empty, and then where to go on', async (t) => {
  const queries = createQueries({ folder: folderOf(t), processes: () => ({ all: 1, here: 2 }) })
  const lists = async (limit: number, goOn?: GoOn) => {
    const answer = queries.ask({ filter: {}, goOn, limit, isStream: true, turn: async () => {} })
    const lengths: number[] = []
    for (;;) {
      const next = await answer.next()
      if (next.done) return { lengths, end: next.value }
      lengths.push(next.value.length)
    }
  }
  const sum = (lengths: readonly number[]): number => lengths.reduce((all, one) => all + one, 0)
  const first = await lists(500)
  t.equal(sum(first.lengths), 500)
  t.ok(first.lengths.length > 1 && first.lengths.every((one) => one > 0))
  t.same((await lists(0)).lengths, [])
  const second = await lists(2_000, first.end.goOn)
  t.equal(sum(second.lengths), 1_500)
  t.ok(second.lengths.every((one) => one > 0))
  t.strictSame(second.end, {
    completeFrom: '2026-03-01T12:00:00.000Z',
    skipped: 0,
    notAsked: { files: [], instances: [], replicas: 0, redis: false }
  })
})

test('since when all is there is found out once, when a question begins', async (t) => {
  const folder = folderOf(t)
  const queries = createQueries({ folder, processes: () => ({ all: 1, here: 1 }) })
  const position = { day: '2026-03-01', ends: {} }
  const later = await ask(queries, { goOn: { position, completeFrom: '2025-01-01' } })
  t.equal(later.end.completeFrom, '2025-01-01')
  t.notOk('completeFrom' in (await ask(queries, { goOn: { position } })).end)
})
