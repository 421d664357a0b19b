/** The log on a pipe whose reader stops: nobody waits, what is lost is counted, and what is read is in order and whole. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createLogOutput } from '../../../src/telemetry/log-output.ts'
import { createDirectory } from '../../support/embedded.ts'

const openPipe = (t: Test) => {
  const path = join(createDirectory(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.teardown(() => closeSync(fd))
  let isOpen = true
  const close = (): void => {
    if (isOpen) closeSync(reader)
    isOpen = false
  }
  t.teardown(close)
  const chunk = Buffer.alloc(65_536)
  /** What stands in the pipe now. */
  const read = (): string => {
    let text = ''
    for (;;) {
      try {
        const size = readSync(reader, chunk)
        if (size === 0) return text
        text += chunk.toString('utf8', 0, size)
      } catch {
        return text
      }
    }
  }
  return { fd, read, close }
}

const lineOf = (n: number): string => `${JSON.stringify({ n, msg: 'x'.repeat(500) })}\n`

const parse = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

test('each line is there before the next thing is done, while somebody reads', (t) => {
  const { fd, read } = openPipe(t)
  const output = createLogOutput({ fd })
  for (let n = 0; n < 1_000; n++) {
    output.write(lineOf(n))
    t.equal(read(), lineOf(n))
  }
  t.end()
})

test('a reader that stops holds nobody up: lines wait, then they are dropped and counted, and all of it is told when it reads again', (t) => {
  const { fd, read } = openPipe(t)
  const output = createLogOutput({ fd, mostBytes: 100_000, now: () => Date.UTC(2026, 2, 1) })
  for (let n = 0; n < 2_000; n++) output.write(lineOf(n))
  let text = ''
  for (let i = 0; i < 200; i++) {
    text += read()
    output.write(lineOf(2_000 + i))
    output.flushFor(0)
  }
  for (let i = 0; i < 20; i++) {
    text += read()
    output.flushFor(0)
  }
  const lines = parse(text)
  const told = lines.filter(({ dropped }) => dropped !== undefined)
  t.match(told[0], {
    level: 'warn',
    time: '2026-03-01T00:00:00.000Z',
    msg: /standard output was not read/
  })
  const numbers = lines.flatMap(({ n }) => (n === undefined ? [] : [n]))
  t.same(
    numbers,
    [...numbers].sort((a, b) => a - b),
    'in order'
  )
  t.ok(numbers.filter((n) => n < 2_000).length > 200, 'the pipe and the memory held some')
  const lost = told.reduce((sum, { dropped }) => sum + dropped, 0)
  t.equal(numbers.length + lost, 2_200, 'and all others are counted')
  t.end()
})

test('what waits is written as soon as it is read, without another line', async (t) => {
  const { fd, read } = openPipe(t)
  const output = createLogOutput({ fd })
  for (let n = 0; n < 300; n++) output.write(lineOf(n))
  let text = ''
  const until = performance.now() + 20_000
  while (!text.includes('"n":299') && performance.now() < until) {
    text += read()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.equal(parse(text).length, 300)
})

test('at the end of the process a reader that has stopped is waited for within a bound, and one that is gone not at all', (t) => {
  const { fd, read, close } = openPipe(t)
  const output = createLogOutput({ fd })
  for (let n = 0; n < 300; n++) output.write(lineOf(n))
  output.flushFor(50)
  t.ok(read().length < 300 * lineOf(0).length)
  close()
  for (let n = 0; n < 300; n++) output.write(lineOf(n))
  output.flushFor(60_000)
  t.pass('came back')
  t.end()
})
