/** The names in Redis, as they stand there today: another one would leave behind what was kept under it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import {
  CHANNEL,
  SHARED_KEYS,
  STATE_REST,
  STATE_SPACES,
  TOPICS
} from '../../../src/state/namespaces.ts'
import { spaceOf } from '../../../src/state/redis-names.ts'

const TABLE = join('state', 'namespaces.ts')
const states = Object.values({ ...STATE_SPACES, ...STATE_REST })
const shared = Object.values(SHARED_KEYS)
const sourceOf = (file: string): string => readFileSync(join('src', file), 'utf8')

test('no name in Redis is another one than before', async (t) => {
  t.same(
    states.map(({ prefix }) => prefix),
    [
      'store/',
      'runtime/',
      'revoked/',
      'usage/',
      'issued/',
      'sessions/',
      'state/',
      'keys/via',
      'states/',
      'trail/',
      'used/',
      'retention/lost',
      'retention/clock'
    ]
  )
  t.same(
    shared.map(({ prefix }) => prefix).toSorted(),
    ['cache:', 'epoch:', 'generation:', 'lease:', 'limit:', 'login:', 'mark:', 'revoked:mark']
      .concat('used:', 'audit:', '{check:')
      .toSorted()
  )
  t.same(
    Object.values(TOPICS).map(({ topic }) => topic),
    ['invalidate', 'revoked', 'objects', 'replica']
  )
  t.equal(CHANNEL, 'messages')
})

test('what has hashes of its own is told by the beginning of its key, and the rest is together', async (t) => {
  for (const [space, { prefix }] of Object.entries(STATE_SPACES)) {
    t.equal(spaceOf(`${prefix}some`), space)
    t.equal(prefix, `${space}/`, 'as LMDB tells them apart')
  }
  for (const { prefix } of Object.values(STATE_REST)) t.equal(spaceOf(`${prefix}some`), 'rest')
})

test('no prefix begins another one', async (t) => {
  const prefixes = [...states, ...shared].map(({ prefix }) => prefix)
  for (const one of prefixes) {
    t.same(
      prefixes.filter((other) => other.startsWith(one)),
      [one]
    )
  }
})

/** What an operator is told, and not Redis. */
const OTHERWISE = new Set(['cli/store-rewrap.ts: cache:'])

test('a prefix is written in the table alone, and who has a row takes it from there', async (t) => {
  for (const { who } of [...states, ...shared, ...Object.values(TOPICS)]) {
    t.match(sourceOf(who), '/namespaces.ts', who)
  }
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== TABLE
  )
  t.ok(files.length > 100, 'they were found')
  const isWritten = (source: string, prefix: string): boolean =>
    ["'", '`'].some((quote) => source.includes(quote + prefix))
  const written = files.flatMap((file) =>
    [...states, ...shared]
      .filter(({ prefix }) => isWritten(sourceOf(file), prefix))
      .map(({ prefix }) => `${file}: ${prefix}`)
  )
  t.same(new Set(written), OTHERWISE)
})
