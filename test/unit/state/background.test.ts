import { execFileSync } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import tap, { test } from 'tap'
import { every } from '../../../src/state/background.ts'
import { withResolvers } from '../../support/with-resolvers.ts'

// Keeps this process alive, which no loop does.
const awake = setInterval(() => {}, 60_000)
tap.teardown(() => clearInterval(awake))

/** Resolves after so many rounds of a loop of its own. */
const rounds = async (many: number): Promise<void> => {
  const { promise, resolve } = withResolvers<void>()
  let left = many
  const loop = every('a measure', 1, () => {
    if (--left === 0) resolve()
  })
  await promise
  loop.close()
}

test('the work is done again and again, and never beside itself', async (t) => {
  let [running, most, done] = [0, 0, 0]
  const { promise, resolve } = withResolvers<void>()
  const loop = every('some work', 1, async () => {
    most = Math.max(most, ++running)
    await rounds(3)
    running--
    if (++done === 3) resolve()
  })
  await promise
  loop.close()
  t.equal(most, 1)
})

test('each round waits as long as is said then', async (t) => {
  const waits = [1, 2, 3]
  const { promise, resolve } = withResolvers<void>()
  const wait = (): number => waits.shift() ?? 600_000
  const loop = every('some work', wait, () => {
    if (waits.length === 0) resolve()
  })
  await promise
  await turn()
  loop.close()
  t.same(waits, [])
})

test('after its end no round begins, also where one was under way', async (t) => {
  let begun = 0
  const { promise: entered, resolve: enter } = withResolvers<void>()
  const { promise: gate, resolve: open } = withResolvers<void>()
  const loop = every('some work', 1, () => {
    begun++
    enter()
    return gate
  })
  await entered
  loop.close()
  open()
  await rounds(3)
  t.equal(begun, 1)
  const other = every('other work', 1, () => void begun++)
  other.close()
  await rounds(3)
  t.equal(begun, 1)
})

test('it keeps no process alive, and a failure is that of the process, with the name of the loop', async (t) => {
  const { href } = new URL('../../../src/state/background.js', import.meta.url)
  const run = (program: string): string =>
    execFileSync(process.execPath, [
      '--input-type=module',
      '-e',
      `import { every } from '${href}'; ${program}`
    ]).toString()
  t.equal(run("every('idle work', 600000, () => {}); console.log('ended')"), 'ended\n')
  for (const work of ["() => { throw new Error('no') }", "async () => { throw new Error('no') }"]) {
    const told = run(
      `process.on('unhandledRejection', (error) => { console.log(error.stack); process.exit() });
       every('careless work', 1, ${work}); setInterval(() => {}, 1000)`
    )
    t.match(told, /Error: no\n[\s\S]*careless work/)
  }
})
