/** How a trail ends its days, begins its chains and picks its places: the turns of it that no append waits for. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { BeginKey } from '../../../src/audit/chain.ts'
import { type Anchor, parseAnchor } from '../../../src/audit/chain-line.ts'
import { createTrail, type TrailOptions } from '../../../src/audit/trail.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { eventually } from '../../support/redis.ts'
import { trailLines } from '../../support/trail-lines.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000
const UNAVAILABLE = { code: 'audit_unavailable', details: { retryAfter: 1 } }

const event = (requestId: string): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId
})

const open = (t: Test, options: Partial<TrailOptions> = {}) => {
  const { directory = createDirectory(t) } = options
  const clock = { time: NOON }
  const logged: string[] = []
  const anchors: Anchor[] = []
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: beginAuditKey,
    log: (level) => logged.push(level),
    onAnchor: (anchor) => anchors.push(anchor),
    ...options
  })
  t.teardown(() => trail.close())
  const path = join(directory, 'audit', '2026-03-01.jsonl')
  const text = (): string => readFileSync(path, 'utf8')
  /** Of the first day: what each line is. */
  const kinds = () => trailLines(text()).map(({ chain, requestId }) => chain ?? requestId)
  return { directory, trail, clock, logged, anchors, path, text, kinds }
}

test('the segment of a day that is over is sealed in the background, once, and told', async (t) => {
  const { trail, clock, anchors, kinds, text } = open(t)
  trail.endDay()
  t.equal(trail.figures().lagMs, 0, 'nothing has begun')
  await trail.append(event('r'))
  t.equal(anchors.length, 1)
  trail.endDay()
  await turn()
  await turn()
  t.strictSame(kinds(), ['head', 'r'], 'its day lasts')
  t.equal(trail.figures().groups, 1)
  clock.time += DAY_MS
  trail.endDay()
  await eventually(() => anchors.length === 2)
  t.strictSame(kinds(), ['head', 'r', 'seal'])
  t.notMatch(text(), /\n\n/)
  t.strictSame(anchors[1], trail.anchor())
  t.match(trailLines(text()).at(-1), { seq: 3, time: '2026-03-02T12:00:00.000Z' })
  await eventually(() => trail.figures().groups === 2)
  trail.endDay()
  await turn()
  await turn()
  t.match(trail.figures(), { groups: 2, failedGroups: 0 }, 'it is over already')
  await trail.close()
  t.equal(anchors.length, 2)
})

test('a day is not ended beside a write, which may be of the next one, nor beside the end of all', async (t) => {
  const { trail, clock, anchors, kinds } = open(t)
  await trail.append(event('one'))
  const appended = trail.append(event('two'))
  clock.time += DAY_MS
  trail.endDay()
  await appended
  await turn()
  await turn()
  t.strictSame(kinds(), ['head', 'one', 'two'])
  const closed = trail.close()
  trail.endDay()
  await closed
  await turn()
  t.strictSame(kinds(), ['head', 'one', 'two', 'seal'])
  t.equal(anchors.length, 2)
  t.equal(trail.figures().groups, 2, 'the seal of the end is nobody’s group')
  trail.endDay()
  await turn()
  t.equal(trail.figures().groups, 2)
})

test('where the seal cannot be written its day is not told as ended, and the next event begins a chain that names what is', async (t) => {
  const { trail, clock, anchors, path, directory } = open(t)
  await trail.append(event('one'))
  const [first] = anchors
  rmSync(join(directory, 'audit'), { recursive: true })
  writeFileSync(join(directory, 'audit'), 'in the way')
  clock.time += DAY_MS
  trail.endDay()
  await eventually(() => !trail.isWritable())
  await turn()
  t.strictSame(anchors, [first])
  rmSync(join(directory, 'audit'))
  await trail.append(event('two'))
  t.equal(existsSync(path), false)
  const [head] = trailLines(readFileSync(path.replace('03-01', '03-02'), 'utf8')).filter(
    ({ chain }) => chain === 'head'
  )
  t.strictSame(parseAnchor(String(head?.['after'])), first)
  t.notSame(head?.instance, first?.instance)
})

test('a chain that cannot begin fails its events, is logged, and is begun by the next', async (t) => {
  let isLost = true
  const beginKey: BeginKey = async (instance) => {
    if (isLost) throw new Error('no key')
    return await beginAuditKey(instance)
  }
  const { trail, logged, kinds, anchors, path } = open(t, { beginKey })
  await t.rejects(trail.append(event('lost')), UNAVAILABLE)
  t.strictSame(logged, ['error'])
  t.equal(existsSync(path), false)
  t.match(trail.figures(), { groups: 0, failedGroups: 1, lines: 0 })
  isLost = false
  await trail.append(event('kept'))
  t.strictSame(kinds(), ['head', 'kept'])
  t.equal(anchors.length, 1)
})

test('who writes alone names the last line of all, who shares the files only what ended a group', async (t) => {
  for (const isShared of [false, true]) {
    const former = open(t)
    await former.trail.append(event('former'))
    const { path, directory, text } = former
    const [after] = former.anchors
    await former.trail.close()
    // The seal lost its MAC with the end of its line.
    writeFileSync(path, `${text().split('\n').slice(0, 2).join('\n')}\n`)
    const { trail } = open(t, { directory, isShared })
    await trail.append(event('next'))
    const head = trailLines(text()).at(2)
    t.equal(head?.['chain'], 'head')
    t.strictSame(parseAnchor(String(head?.['after'])), after)
    t.equal('found' in (head ?? {}), !isShared)
  }
})

test('a trail that is closed refuses what comes and tries nothing any more', async (t) => {
  const { trail, clock, directory } = open(t)
  writeFileSync(join(directory, 'audit'), 'in the way')
  await t.rejects(trail.append(event('lost')), UNAVAILABLE)
  await trail.close()
  const { failedGroups } = trail.figures()
  clock.time += 10_000
  t.equal(trail.isWritable(), false)
  t.equal(trail.figures().lagMs, 0)
  await turn()
  t.equal(trail.figures().failedGroups, failedGroups)
  await t.rejects(trail.append(event('late')), UNAVAILABLE)
})

test('records go to the place that is named, and where Redis is named there has to be one', async (t) => {
  const texts = { stdout: '', redis: '' }
  const target = (name: keyof typeof texts) => ({
    name,
    append: async (_day: string, text: string) => {
      texts[name] += text
    },
    forget: async () => {}
  })
  const sinks = [{ name: 'redis', isRequired: true }] as const
  const { trail, path } = open(t, { sinks, stdout: target('stdout'), redis: target('redis') })
  await trail.append(event('r'))
  t.match(texts, { stdout: /^$/, redis: /"requestId":"r"/ })
  t.equal(existsSync(path), false)
  t.throws(() => open(t, { sinks }))
})
