/** Several places for records: what is required is there or the append fails, what is not holds nobody up. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { FILE_ALONE, hasSink, type SinkChoice } from '../../../src/audit/sinks.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { wrongInChain } from '../../support/trail-lines.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')

const sinksOf = (text: string): SinkChoice[] =>
  text.split(',').map((one) => ({
    name: one.replace('!', '') as SinkChoice['name'],
    isRequired: one.endsWith('!')
  }))

const open = (t: Test, sinks: string) => {
  const directory = createDirectory(t)
  const clock = { time: NOON }
  const logged: string[] = []
  const stdout = { text: '', fails: false, hangs: undefined as Promise<void> | undefined, calls: 0 }
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: beginAuditKey,
    // Longer than any machine is busy: what hangs here is let go.
    patienceMs: 60_000,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    sinks: sinksOf(sinks),
    stdout: {
      name: 'stdout',
      append: async (_day, text) => {
        stdout.calls++
        await stdout.hangs
        if (stdout.fails) throw Object.assign(new Error('x'), { code: 'EPIPE' })
        stdout.text += text
      },
      forget: async () => {}
    }
  })
  t.teardown(() => trail.close())
  const folder = join(directory, 'audit')
  const append = (requestId: string, size = 0) =>
    trail.append({
      action: 'secret.read',
      outcome: 'allowed',
      environment: 'pro',
      route: 'GET /v1/secrets',
      requestId,
      reference: `local:${'x'.repeat(size)}`
    })
  const file = () => readFileSync(join(folder, '2026-03-01.jsonl'), 'utf8')
  return { trail, clock, logged, stdout, folder, append, file }
}

const idsIn = (text: string): string[] =>
  [...text.matchAll(/"requestId":"(\w+)"/g)].map(([, id]) => id ?? '')

test('both sinks get the same lines, in the same order', async (t) => {
  for (const sinks of ['file!,stdout', 'file!,stdout!', 'file,stdout!']) {
    const { trail, append, stdout, file } = open(t, sinks)
    for (let i = 0; i < 5; i++) await Promise.all([append(`${i}a`), append(`${i}b`)])
    await trail.close()
    t.equal(stdout.text, file(), sinks)
    t.equal(wrongInChain(stdout.text), undefined)
    t.equal(idsIn(stdout.text).length, 10)
  }
})

test('without the file sink no file is written', async (t) => {
  const { append, stdout, file } = open(t, 'stdout!')
  await append('1')
  t.same(idsIn(stdout.text), ['1'])
  t.throws(file, { code: 'ENOENT' })
})

test('a required sink that fails, fails the append, whichever it is, and the trail finds its way back', async (t) => {
  const { trail, clock, append, stdout, file, folder, logged } = open(t, 'file!,stdout!')
  await append('1')
  stdout.fails = true
  await t.rejects(append('2'), { code: 'audit_unavailable' })
  t.notOk(trail.isWritable())
  t.same(trail.failingSinks(), [], 'these are the optional ones')
  stdout.fails = false
  clock.time += 1_000
  await append('3')
  t.ok(trail.isWritable())
  t.same(idsIn(stdout.text), ['1', '3'])
  t.same(idsIn(file()), ['1', '2', '3'], 'what failed may be on record')
  renameSync(folder, `${folder}.away`)
  writeFileSync(folder, 'in the way')
  clock.time += 1_000
  await t.rejects(append('4'), { code: 'audit_unavailable' })
  rmSync(folder)
  await append('5')
  t.same(
    logged.filter((line) => line.includes('trail')).map((line) => line.split(' ')[0]),
    ['error', 'info', 'error', 'info']
  )
})

test('an optional sink that fails costs one line of the log and no answer, and is named until it works', async (t) => {
  const { trail, clock, append, stdout, logged, file } = open(t, 'file!,stdout')
  stdout.fails = true
  for (const id of ['1', '2', '3']) await append(id)
  await new Promise((resolve) => setImmediate(resolve))
  t.same(trail.failingSinks(), ['stdout'])
  t.ok(trail.isWritable())
  t.same(idsIn(file()), ['1', '2', '3'])
  t.same(logged, ['error the audit trail cannot be written {"sink":"stdout","code":"EPIPE"}'])
  stdout.fails = false
  clock.time += 1_000
  t.same(trail.failingSinks(), ['stdout'], 'asked for, it is tried in the background')
  await new Promise((resolve) => setImmediate(resolve))
  t.same(trail.failingSinks(), [])
  t.same(logged.slice(1), [
    'info the audit trail is written again {"sink":"stdout"}',
    'error groups of records did not reach an optional sink of the audit trail {"sink":"stdout","lost":"3"}'
  ])
  await append('4')
  await trail.close()
  t.same(idsIn(stdout.text), ['4'])
})

test('an optional sink that hangs holds nobody up, keeps no more than a bound, and one write is under way', async (t) => {
  const { trail, append, stdout, file } = open(t, 'file!,stdout')
  let letGo = (): void => {}
  stdout.hangs = new Promise((resolve) => {
    letGo = resolve
  })
  for (let i = 0; i < 600; i++) await append(String(i), 2_290)
  t.equal(idsIn(file()).length, 600)
  t.equal(stdout.calls, 1)
  stdout.hangs = undefined
  letGo()
  await trail.close()
  t.ok(stdout.text.length < 1.1 * 1024 * 1024, 'of 1.4 million characters')
})

test('each sink is told with whether it fails and how many groups did not reach it', async (t) => {
  const { trail, append, stdout, file } = open(t, 'file!,stdout')
  await append('1')
  const told = () => trail.sinkFigures().map((one) => Object.values(one).join(' '))
  t.same(told(), ['file false 0', 'stdout false 0'])
  stdout.fails = true
  await append('2')
  await append('3')
  await turn()
  t.same(told(), ['file false 0', 'stdout true 2'])
  stdout.fails = false
  await append('4')
  await turn()
  t.same(told(), ['file false 0', 'stdout false 2'], 'since the start')
  t.same([idsIn(file()).length, idsIn(stdout.text)], [4, ['1', '4']])
})

test('what finds no room for an optional sink is lost and counted, and the sink is named', async (t) => {
  const { trail, append, stdout } = open(t, 'file!,stdout')
  let letGo = (): void => {}
  stdout.hangs = new Promise((resolve) => {
    letGo = resolve
  })
  const figures = () => trail.sinkFigures().map(({ name, lost }) => [name, lost > 0])
  for (let i = 0; i < 300; i++) await append(String(i), 2_290)
  t.same(figures(), [
    ['file', false],
    ['stdout', false]
  ])
  for (let i = 0; i < 300; i++) await append(String(i), 2_290)
  t.same(figures(), [
    ['file', false],
    ['stdout', true]
  ])
  t.same(trail.failingSinks(), ['stdout'])
  stdout.hangs = undefined
  letGo()
})

test('a sink is there where it is chosen, and the file is unless something else is said', async (t) => {
  t.same(FILE_ALONE, [{ name: 'file', isRequired: true }])
  const choices = sinksOf('file!,stdout')
  t.same(
    (['file', 'stdout', 'redis'] as const).map((name) => hasSink(choices, name)),
    [true, true, false]
  )
  t.equal(hasSink([], 'file'), false)
})
