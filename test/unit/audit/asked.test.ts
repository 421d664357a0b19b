/** A question is answered from the files here and from Redis as one, and from the files alone where Redis does not answer. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  type Asked,
  beginAsking,
  goOnOf,
  isOver,
  notAskedOf,
  searchesOf
} from '../../../src/audit/asked.ts'
import type { GoOn } from '../../../src/audit/queries.ts'
import type { ReadBack } from '../../../src/audit/read-back.ts'
import type { RedisLookAt, RedisTrail } from '../../../src/audit/redis-trail.ts'
import type { AuditRecord } from '../../../src/audit/shown-record.ts'
import { createDirectory } from '../../support/embedded.ts'

const record = (seq: number, instance?: string): AuditRecord => ({
  time: `2026-03-01T12:00:00.${String(seq).padStart(3, '0')}Z`,
  action: 'secret.read',
  outcome: 'allowed',
  requestId: String(seq),
  ...(instance && { instance, seq })
})

/** One stream, a record a block, the last of them the newest. */
const streamOf = (records: readonly AuditRecord[], from = records.length): ReadBack => {
  let end = from
  return {
    inode: 0,
    end: () => end,
    read: async () => {
      const at = --end
      const found = records.slice(at, at + 1).map((one) => ({ record: one, end: at + 1 }))
      return { bytes: 1, found, oldest: found[0]?.record.time, skipped: 0 }
    },
    close: async () => {}
  }
}

const lookAt = (records: readonly AuditRecord[], more: Partial<RedisLookAt> = {}) => {
  const missing = new Set<string>()
  const look: RedisLookAt = {
    sources: () => [
      {
        day: '',
        sources: [
          { name: 's1', open: async (from) => streamOf(records, from) },
          { name: 's2', open: async () => Promise.reject(new Error('x')) }
        ]
      }
    ],
    holding: { begun: undefined, gap: undefined },
    missing,
    miss: (stream) => void missing.add(`instance of ${stream}`),
    alive: 3,
    ...more
  }
  return { look: async () => look }
}

const away: RedisTrail = { look: () => Promise.reject(new Error('away')) }

const folderWith = (t: Test, records: readonly AuditRecord[]): string => {
  const folder = createDirectory(t)
  const text = records.map((one) => `${JSON.stringify(one)}\n`).join('')
  writeFileSync(join(folder, '2026-03-01.jsonl'), text)
  return folder
}

const begin = (folder: string, redis: RedisTrail | undefined, goOn?: GoOn) =>
  beginAsking({ folder, redis, access: (work) => work() }, { filter: {}, goOn })

/** So many at the most, or all. */
const idsOf = async (asked: Asked, most = Number.POSITIVE_INFINITY) => {
  const ids: (string | undefined)[] = []
  while (ids.length < most) {
    const found = await asked.step(most - ids.length)
    if (found === undefined) break
    ids.push(...found.map(({ requestId }) => requestId))
  }
  return ids
}

const ONE = 'one'

test('without Redis the files are all there is, and no stream stands in where it goes on', async (t) => {
  const folder = folderWith(t, [record(1), record(2)])
  const asked = await begin(folder, undefined)
  t.equal(searchesOf(asked).length, 1)
  t.same(await idsOf(asked, 1), ['2'])
  t.equal(isOver(asked), false)
  t.match(goOnOf(asked, undefined), { position: { day: '2026-03-01' } })
  t.same(Object.keys(goOnOf(asked, undefined) ?? {}), ['position'])
  t.equal(goOnOf(asked, 'since')?.completeFrom, 'since')
  t.same(await idsOf(asked), ['1'])
  t.equal(isOver(asked), true)
  t.equal(goOnOf(asked, 'since'), undefined)
  t.same(notAskedOf(asked, false, { all: 4, here: 1 }), {
    files: [],
    instances: [],
    replicas: 3,
    redis: false
  })
})

test('what both have comes once, newest first; what has no place in a chain is never taken for another', async (t) => {
  const folder = folderWith(t, [record(1, ONE), record(2, ONE), record(4), record(6, ONE)])
  const redis = lookAt([record(2, ONE), record(3, 'two'), record(4), record(5, 'two')])
  const asked = await begin(folder, redis)
  t.equal(searchesOf(asked).length, 2)
  t.same(await idsOf(asked), ['6', '5', '4', '4', '3', '2', '1'])
  t.equal(isOver(asked), true)
  t.same(notAskedOf(asked, true, { all: 5, here: 1 }), {
    files: [],
    instances: ['instance of s2'],
    replicas: 2,
    redis: false
  })
  t.equal(notAskedOf(asked, true, { all: 5, here: 4 }).replicas, 1)
  t.equal(notAskedOf(asked, true, { all: 2, here: 4 }).replicas, 0)
})

test('pages go on in both, and none gives again what the one before gave', async (t) => {
  const folder = folderWith(t, [record(1, ONE), record(3, ONE), record(5, ONE)])
  const redis = lookAt([record(1, ONE), record(2, 'two'), record(3, ONE), record(4, 'two')])
  for (const size of [1, 2, 3]) {
    const ids: (string | undefined)[] = []
    let goOn: GoOn | undefined
    for (let i = 0; i < 20; i++) {
      const asked = await begin(folder, redis, goOn)
      ids.push(...(await idsOf(asked, size)))
      goOn = goOnOf(asked, undefined)
      if (goOn === undefined) break
      t.ok(goOn.shared && goOn.given)
    }
    t.same(ids, ['5', '4', '3', '2', '1'], `${size} a page`)
  }
})

test('only the last of what was given is told to the next page', async (t) => {
  const folder = folderWith(
    t,
    Array.from({ length: 100 }, (_, i) => record(i + 1, ONE))
  )
  const asked = await begin(folder, lookAt([]))
  t.equal((await idsOf(asked, 90)).length, 90)
  const given = goOnOf(asked, undefined)?.given ?? []
  t.equal(given.length, 64)
  t.equal(given.at(-1), `${ONE}:11`)
  t.equal(given[0], `${ONE}:74`)
})

test('a Redis that does not answer is said, and its records do not come later out of their order', async (t) => {
  const folder = folderWith(t, [record(1, ONE), record(3, ONE)])
  const asked = await begin(folder, away)
  t.same(await idsOf(asked, 1), ['3'])
  t.equal(notAskedOf(asked, true, { all: 1, here: 1 }).redis, true)
  const goOn = goOnOf(asked, undefined)
  t.same(goOn?.shared, { day: '', ends: {} })
  const next = await begin(folder, lookAt([record(2, 'two')]), goOn)
  t.same(await idsOf(next), ['1'])

  const shared = { day: '', ends: { s1: [0, 1] } } as const
  const later = await begin(folder, away, { position: { day: '2026-03-01', ends: {} }, shared })
  t.same(goOnOf(later, undefined)?.shared, shared, 'where an earlier page had come to')
})

test('what is over in one of the two is not begun again', async (t) => {
  const folder = folderWith(t, [record(9, ONE)])
  const redis = lookAt([record(1, 'two'), record(2, 'two')])
  const asked = await begin(folder, redis)
  t.same(await idsOf(asked, 2), ['9', '2'])
  while (asked.files.reaches() !== '') await asked.files.step(1)
  const goOn = goOnOf(asked, undefined)
  t.same(goOn?.position, { day: '', ends: {} })
  t.same(await idsOf(await begin(folder, redis, goOn)), ['1'])

  const other = await begin(folderWith(t, [record(1, ONE), record(2, ONE)]), lookAt([]))
  t.same(await idsOf(other, 1), ['2'])
  while (other.shared?.reaches() !== '') await other.shared?.step(1)
  t.same(goOnOf(other, undefined)?.shared, { day: '', ends: {} })
})
