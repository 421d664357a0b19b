/** What the runner makes of a file that passes, fails, hangs or never begins: nothing but a whole file that tested passes. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Test, test } from 'tap'
import { createDirectory } from '../../support/embedded.ts'
import { runFile } from '../../support/run-file.ts'

const TAP = pathToFileURL(resolve('node_modules/tap/dist/esm/index.js'))

/** A file with this in it, run. */
const running = (t: Test, text: string, ...limits: number[]) => {
  const file = join(createDirectory(t), 'some.test.mjs')
  writeFileSync(file, `import { test } from '${TAP}'\n${text}\n`)
  return runFile(file, ...limits)
}

const PASSES = `test('it works', async (t) => t.ok(true))`

test('a file whose tests pass passes, and one that is skipped is no failure', async (t) => {
  const passing = await running(t, PASSES)
  t.match(passing, { passed: 1, failed: 0, skips: [], failures: [], stderr: '' })
  t.ok(passing.seconds > 0)
  const skips = `test('it needs a peer', async (t) => t.plan(0, 'missing peer: moto'))`
  t.match(await running(t, `${PASSES}\n${skips}`), {
    passed: 1,
    failed: 0,
    skips: ['missing peer: moto']
  })
})

test('a test that fails is one failure, by its names', async (t) => {
  const { passed, failed, failures } = await running(
    t,
    `${PASSES}\ntest('it breaks', async (t) => t.equal(1, 2, 'as one'))`
  )
  t.match({ passed, failed }, { passed: 1, failed: 1 })
  t.match(failures, [{ test: /some\.test\.mjs > it breaks$/, reasons: [/^as one .*\n/s] }])
})

test('whatever else goes wrong with a file is one failure that says what', async (t) => {
  for (const [text, reason] of [
    ['', /no test/],
    [`throw new Error('broken')`, /ended with 1/],
    [`${PASSES}\nprocess.on('exit', () => { process.exitCode = 3 })`, /ended with 3/],
    [`${PASSES}\nprocess.kill(process.pid, 'SIGKILL')`, /ended with SIGKILL/]
  ] as const) {
    const { failed, failures } = await running(t, text)
    t.equal(failed, 1, text)
    t.ok(
      failures.some(({ reasons }) => reasons.some((one) => reason.test(one))),
      text
    )
  }
  const { failed, failures } = await runFile('no/such.test.js')
  t.equal(failed, 1)
  t.match(failures, [{ test: 'no/such.test.js', reasons: [/ended with 1/] }])
})

test('a file that never ends is ended, and says which test it was in', async (t) => {
  const hangs = `test('it waits', async (t) => { await new Promise(() => setInterval(() => {}, 1000)) })`
  const { failed, failures } = await running(t, hangs, 1_000, 3_000)
  t.ok(failed > 0)
  t.match(JSON.stringify(failures), /it waits/)
})
