/** docs/capacity.md says what the model computes. That the replicas take no more: `expiry.test.ts`. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { catalog } from '../../src/kinds/catalog.ts'
import {
  boundsOf,
  COSTS,
  commandsOf,
  demandOf,
  IDLE,
  KEPT,
  type Load,
  NOTICE_BYTES
} from '../support/capacity.ts'

const PAGE = readFileSync('docs/capacity.md', 'utf8')
const TTL_SECONDS = 600
const DAY_SECONDS = 86_400

/** Two digits that say something. */
const about = (value: number): string => {
  const rounded = Number(value.toPrecision(2))
  return rounded >= 1_000 ? rounded.toLocaleString('en-US') : String(rounded)
}
const exactly = (value: number): string => value.toLocaleString('en-US')

const SECRETS_A_BOT = 5
const bots = (callers: number): number => (callers * SECRETS_A_BOT) / TTL_SECONDS

const LOADS: readonly (readonly [
  what: string,
  Pick<Load, 'callers' | 'replicas' | 'secrets' | 'readsPerSecond'>
])[] = [
  ['bots', { callers: 10, replicas: 2, secrets: 50, readsPerSecond: bots(10) }],
  ['a read a second', { callers: 10, replicas: 2, secrets: 50, readsPerSecond: 10 }],
  ['bots', { callers: 1_000, replicas: 2, secrets: 1_000, readsPerSecond: bots(1_000) }],
  ['a read a second', { callers: 1_000, replicas: 2, secrets: 1_000, readsPerSecond: 1_000 }],
  ['bots', { callers: 100_000, replicas: 2, secrets: 10_000, readsPerSecond: bots(100_000) }],
  ['bots', { callers: 100_000, replicas: 50, secrets: 10_000, readsPerSecond: bots(100_000) }],
  ['a read a second', { callers: 100_000, replicas: 20, secrets: 10_000, readsPerSecond: 100_000 }],
  ['a read a second', { callers: 100_000, replicas: 50, secrets: 10_000, readsPerSecond: 100_000 }]
]

const rowOf = ([what, load]: (typeof LOADS)[number]): string => {
  const { callers, replicas, secrets, readsPerSecond } = load
  const eventsPerSecond = secrets / DAY_SECONDS
  const demand = demandOf({ ...load, ttlSeconds: TTL_SECONDS, eventsPerSecond })
  const cells = [
    exactly(callers),
    what,
    exactly(secrets),
    exactly(replicas),
    about(readsPerSecond),
    about(demand.callsPerSecond),
    about(demand.callsPerMonth / 1_000),
    about(demand.commandsPerSecond),
    about(demand.deliveriesPerSecond),
    about(demand.outPerSecond / 1_000),
    about(demand.redisMemory / 1_000_000)
  ]
  return `| ${cells.join(' | ')} |`
}

test('the page has a row for each load, as the model computes it', async (t) => {
  for (const load of LOADS) {
    const row = rowOf(load)
    t.ok(PAGE.includes(row), row)
  }
})

test('the page has what each operation costs Redis', async (t) => {
  for (const [name, cost] of Object.entries(COSTS)) {
    const { bytesIn, bytesOut } = cost
    const cells = [name, commandsOf(cost), exactly(bytesIn), exactly(bytesOut)]
    const end = `| ${cells.join(' | ')} |`
    t.ok(PAGE.includes(end), end)
  }
  const idle = commandsOf({ commands: IDLE })
  for (const figure of [
    `${about(idle)} commands a second`,
    `${exactly(KEPT.envelope)} bytes`,
    `${exactly(KEPT.limits + KEPT.use)} bytes`,
    `${exactly(NOTICE_BYTES)} bytes`
  ]) {
    t.ok(PAGE.includes(figure), figure)
  }
})

test('the page has what each kind of store allows', async (t) => {
  const ROTATED = 10_000
  for (const { kind, quota } of catalog) {
    if (quota === undefined) continue
    const { secrets, rotationSeconds } = boundsOf(quota, TTL_SECONDS, ROTATED)
    const { perSecond, burst } = quota
    const cells = [kind, exactly(perSecond), exactly(burst), about(secrets), about(rotationSeconds)]
    const row = `| ${cells.join(' | ')} |`
    t.ok(PAGE.includes(row), row)
  }
})
