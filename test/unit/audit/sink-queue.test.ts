/** What required sinks are asked, and how texts wait for an optional one: in their order, together, and within a bound. */
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { createSinks, type SinkName, type Sinks, watchSinks } from '../../../src/audit/sinks.ts'
import { createWriter, type Target } from '../../../src/audit/writer.ts'

const DAY = '2026-03-01'
const MIB = 1024 * 1024

/** Takes what it is given, unless it fails; a write ends when it is let go, where it is held. */
const fake = (name?: string) => {
  const state = { fails: undefined as Error | undefined, forgotten: 0 }
  const calls: string[] = []
  let held: Promise<void> | undefined
  let letGo = (): void => {}
  const target: Target = {
    ...(name !== undefined && { name }),
    append: async (day, text) => {
      calls.push(`${day} ${text}`)
      await held
      if (state.fails !== undefined) throw state.fails
    },
    forget: async () => {
      state.forgotten++
    }
  }
  return {
    state,
    calls,
    target,
    hold: () => {
      held = new Promise((resolve) => {
        letGo = resolve
      })
    },
    letGo: () => {
      held = undefined
      letGo()
    }
  }
}

type Fake = ReturnType<typeof fake>

/** `file` and `stdout` are required, `redis` is not, of those that are given. */
const open = (fakes: Partial<Record<SinkName, Fake | Target>>) => {
  const logged: unknown[] = []
  const sinks = createSinks({
    choices: Object.keys(fakes).map((name) => ({
      name: name as SinkName,
      isRequired: name !== 'redis'
    })),
    targetOf: (name) => {
      const one = fakes[name]
      if (one === undefined) throw new Error('it was chosen')
      return 'target' in one ? one.target : one
    },
    log: (level, _message, fields) => logged.push([level, fields]),
    // Longer than any machine is busy.
    patienceMs: 60_000
  })
  const lost = () => sinks.figures().map((one) => one.lost)
  return { sinks, logged, lost }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn()
}

test('a blank line goes to required sinks that fail, and to no others', async (t) => {
  const [file, stdout, redis] = [fake(), fake('stdout'), fake('redis')]
  const { sinks } = open({ file, stdout, redis })
  t.equal(await sinks.write(DAY, '\n'), true, 'nobody has to be asked')
  stdout.state.fails = new Error('x')
  t.equal(await sinks.write(DAY, 'a\n'), false)
  t.equal(sinks.isFailing(), true)
  stdout.state.fails = undefined
  t.equal(await sinks.write(DAY, '\n'), true)
  t.equal(sinks.isFailing(), false)
  await settle()
  t.strictSame(file.calls, [`${DAY} a\n`])
  t.strictSame(stdout.calls, [`${DAY} a\n`, `${DAY} \n`])
  t.strictSame(redis.calls, [], 'an optional one gets what all required ones have')
})

test('an optional sink gets what waits for it together, in its order, and each day by itself', async (t) => {
  const [file, redis] = [fake(), fake('redis')]
  const { sinks, logged, lost } = open({ file, redis })
  redis.hold()
  await sinks.write(DAY, 'a\n')
  await settle()
  for (const [day, text] of [
    [DAY, 'b\n'],
    [DAY, 'c\n'],
    ['2026-03-02', 'd\n'],
    ['2026-03-02', 'e\n'],
    [DAY, 'f\n']
  ] as const) {
    await sinks.write(day, text)
  }
  redis.letGo()
  await settle()
  const expected = ['2026-03-01 a\n', '2026-03-01 b\nc\n', '2026-03-02 d\ne\n', '2026-03-01 f\n']
  t.strictSame(redis.calls, expected)
  t.strictSame(lost(), [0, 0])
  t.strictSame(logged, [], 'there is nothing to tell')
})

test('a mebibyte waits for it, not a character more, and what was taken makes room', async (t) => {
  const [file, redis] = [fake(), fake('redis')]
  const { sinks, logged, lost } = open({ file, redis })
  redis.hold()
  await sinks.write(DAY, 'x'.repeat(MIB - 10))
  await settle()
  await sinks.write(DAY, 'y'.repeat(11))
  t.strictSame(lost(), [0, 1])
  t.strictSame(sinks.failing(), ['redis'])
  await sinks.write(DAY, 'z'.repeat(10))
  t.strictSame(lost(), [0, 1])
  redis.letGo()
  await settle()
  t.equal(redis.calls.length, 2)
  t.strictSame(logged, [['error', { sink: 'redis', lost: '1' }]])
  t.strictSame(sinks.failing(), [])
  for (let i = 0; i < 3; i++) {
    await sinks.write(DAY, 'x'.repeat(MIB))
    await settle()
  }
  t.strictSame(lost(), [0, 1], 'since it was made')
  t.equal(redis.calls.length, 5)
})

test('what is lost is told once the sink works again, of a sink without a name as of the file', async (t) => {
  const [stdout, redis] = [fake('stdout'), fake()]
  const { sinks, logged, lost } = open({ stdout, redis })
  redis.state.fails = new Error('it has no code')
  for (const text of ['a\n', 'b\n']) {
    await sinks.write(DAY, text)
    await settle()
  }
  t.strictSame(logged, [['error', { code: 'unknown' }]])
  redis.state.fails = undefined
  sinks.tryFailing(DAY)
  await settle()
  t.strictSame(logged.slice(1), [
    ['info', undefined],
    ['error', { sink: 'file', lost: '2' }]
  ])
  await sinks.write(DAY, 'c\n')
  await settle()
  t.equal(logged.length, 3)
  t.strictSame(lost(), [0, 2])
  t.strictSame(redis.calls.slice(2), [`${DAY} \n`, `${DAY} c\n`])
})

test('what may be repeated is kept until it is taken or all ends, what may not is lost at once', async (t) => {
  for (const mayRepeat of [true, false, undefined]) {
    const [file, redis] = [fake(), fake('redis')]
    const target = { ...redis.target, ...(mayRepeat !== undefined && { mayRepeat }) }
    const { sinks, lost } = open({ file, redis: target })
    redis.state.fails = new Error('x')
    await sinks.write(DAY, 'a\n')
    await settle()
    t.strictSame(lost(), [0, mayRepeat ? 0 : 1])
    await sinks.close()
    t.strictSame(lost(), [0, 1])
  }
})

test('the end of all is the end of each, once what waits is written', async (t) => {
  const [file, redis] = [fake(), fake('redis')]
  const { sinks } = open({ file, redis })
  await sinks.write(DAY, 'a\n')
  await sinks.close()
  t.strictSame(redis.calls, [`${DAY} a\n`])
  t.equal(file.state.forgotten, 1)
  t.equal(redis.state.forgotten, 1)
})

test('a writer lets go of its place as it ends, and of one that failed before it writes again', async (t) => {
  const { target, state } = fake()
  const writer = createWriter(target, { log: () => {}, patienceMs: 60_000 })
  t.equal(await writer.write(DAY, 'a'), true)
  t.equal(state.forgotten, 0)
  state.fails = new Error('x')
  t.equal(await writer.write(DAY, 'b'), false)
  t.equal(state.forgotten, 1)
  state.fails = undefined
  t.equal(await writer.write(DAY, 'c'), true)
  await writer.close()
  t.equal(state.forgotten, 2)
})

test('a place in which a write hangs is let go of when that came back, not as the writer ends', async (t) => {
  const { target, state, hold, letGo } = fake()
  let runOut = (): void => {}
  const windUp = (callBack: () => void) => {
    runOut = callBack
    return { refresh: () => {} }
  }
  const writer = createWriter(target, { log: () => {}, patienceMs: 60_000, windUp })
  hold()
  const written = writer.write(DAY, 'a')
  for (let part = 0; part < 4; part++) runOut()
  t.equal(await written, false)
  await writer.close()
  t.equal(state.forgotten, 0)
  letGo()
  await settle()
  t.equal(state.forgotten, 1)
})

test('optional sinks that fail are tried when asked for, once a second, with the day that it is', (t) => {
  const clock = { time: Date.parse('2026-03-01T23:59:59.500Z') }
  let failing: readonly SinkName[] = []
  const tried: string[] = []
  const sinks: Sinks = {
    write: async () => true,
    isFailing: () => false,
    failing: () => failing,
    figures: () => [],
    tryFailing: (day) => tried.push(day),
    close: async () => {}
  }
  const { failingSinks } = watchSinks(sinks, () => clock.time)
  t.strictSame(failingSinks(), [])
  t.strictSame(tried, [])
  failing = ['redis']
  t.strictSame(failingSinks(), ['redis'])
  t.strictSame(tried, ['2026-03-01'], 'to ask while nothing failed was no try')
  clock.time += 999
  failingSinks()
  t.equal(tried.length, 1)
  clock.time += 1
  failingSinks()
  t.strictSame(tried, ['2026-03-01', '2026-03-02'])
  t.end()
})
