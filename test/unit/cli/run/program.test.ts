// Starting, ending and renewing a program, with real ones.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { systemClock } from '../../../../src/cli/run/clock.ts'
import { environmentOf } from '../../../../src/cli/run/environment.ts'
import { createProgramRun } from '../../../../src/cli/run/program.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { createDirectory } from '../../../support/embedded.ts'
import { eventually } from '../../../support/redis.ts'

const setUp = (t: Test, script: string, graceMs = 20_000) => {
  const folder = createDirectory(t)
  const file = join(folder, 'said')
  const said = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  const command = ['/bin/sh', '-c', script, file] as const
  const program = createProgramRun({ command, graceMs, clock: systemClock, umask: 0o022 })
  t.teardown(() => program.signal('SIGKILL'))
  return { program, said }
}
const env = (V: string) => ({ PATH: process.env['PATH'], V })
/** Waits for signals without a child of its own that would outlive it. */
const WAIT = 'while :; do sleep 0.05; done'

test('the code of the program is ours, and 128 and its signal', async (t) => {
  for (const [script, code] of [
    ['exit 7', 7],
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143]
  ] as const) {
    const { program } = setUp(t, script)
    await program.start(env(''))
    t.equal(await program.ended, code, script)
  }
})

test('a program that is not there or cannot be started is said so, with codes of their own', async (t) => {
  const start = (file: string, more = {}) =>
    createProgramRun({ command: [file], graceMs: 0, clock: systemClock, umask: 0o022 }).start(more)
  const noProgram = join(createDirectory(t), 'text')
  writeFileSync(noProgram, 'x', { mode: 0o600 })
  await t.rejects(start('/no/such/program'), { exitCode: 127, message: /not there/ })
  await t.rejects(start('no-such-program', env('')), { exitCode: 127, message: /not there/ })
  await t.rejects(start(noProgram), { exitCode: 126, message: /cannot be started/ })
  await t.rejects(start('/bin/true', { A: 'x'.repeat(200_000) }), {
    exitCode: 126,
    message: /too long/
  })
})

test('it has the environment that it is given and nothing else, and the mask that we were started with', async (t) => {
  const { program, said } = setUp(t, 'env > "$0"; umask >> "$0"')
  const before = process.umask()
  await program.start({ V: 'the value', PATH: '/bin:/usr/bin' })
  await program.ended
  const lines = said()
    .split('\n')
    .filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))
  t.strictSame(lines.sort(), ['', '0022', 'PATH=/bin:/usr/bin', 'V=the value'].sort())
  t.equal(process.umask(), before)
})

test('a restart ends it with TERM, waits for it, and starts it with the new environment', async (t) => {
  const { program, said } = setUp(
    t,
    `trap 'echo end $V >> "$0"; exit 3' TERM; echo start $V >> "$0"; ${WAIT}`
  )
  await program.start(env('1'))
  await eventually(() => said() === 'start 1\n')
  await program.restart(env('2'))
  await eventually(() => said() === 'start 1\nend 1\nstart 2\n')
  program.signal('SIGTERM')
  t.equal(await program.ended, 3)
})

test('one that does not end is killed when its grace is over', async (t) => {
  const { program, said } = setUp(t, `trap '' TERM; echo start $V >> "$0"; ${WAIT}`, 50)
  await program.start(env('1'))
  await eventually(() => said() === 'start 1\n')
  await program.restart(env('2'))
  await eventually(() => said() === 'start 1\nstart 2\n')
  program.signal('SIGKILL')
  t.equal(await program.ended, 137)
})

test('one that is told to end while it is renewed is not started again', async (t) => {
  const { program, said } = setUp(
    t,
    `trap 'sleep 0.2; echo end >> "$0"; exit 4' TERM; echo start $V >> "$0"; ${WAIT}`
  )
  await program.start(env('1'))
  await eventually(() => said() === 'start 1\n')
  const renewed = program.restart(env('2'))
  program.signal('SIGTERM')
  await renewed
  t.equal(await program.ended, 4)
  t.equal(said(), 'start 1\nend\n', 'and has heard of it once')
})

test('one that has ended by itself is not started again', async (t) => {
  const { program, said } = setUp(t, 'echo start $V >> "$0"; exit 5')
  await program.start(env('1'))
  t.equal(await program.ended, 5)
  await program.restart(env('2'))
  t.equal(said(), 'start 1\n')
})

test('what leads to the service is not handed on unless it is asked for', async (t) => {
  const startedWith = {
    PATH: '/bin',
    PURSER_URL: 'u',
    PURSER_KEY_FILE: 'f',
    PURSER_X: 'x',
    DB: 'old'
  }
  const variables = new Map([['DB', new Sensitive('new')]])
  const of = (keepPurser: boolean, ownFolder?: string) =>
    environmentOf({ startedWith, variables, keepPurser, ownFolder })
  t.strictSame(of(false), { PATH: '/bin', DB: 'new' })
  t.strictSame(of(false, '/dev/shm/x'), { PATH: '/bin', DB: 'new', PURSER_FILES: '/dev/shm/x' })
  t.strictSame(of(true), { ...startedWith, DB: 'new' })
  const named = new Map([['PURSER_URL', new Sensitive('asked for')]])
  t.strictSame(environmentOf({ startedWith: {}, variables: named, keepPurser: false }), {
    PURSER_URL: 'asked for'
  })
})
