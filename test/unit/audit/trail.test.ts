/** The audit trail: an event is on record, whole, or its append fails; and the trail finds its way back. */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { createTrail, type Trail } from '../../../src/audit/trail.ts'
import { verifyTrail } from '../../../src/audit/verify.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import type { WindUp } from '../../../src/state/deadline.ts'
import { AUDIT_ENCRYPTION_KEY, beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'
import { canCountOpen, openBelow } from '../../support/open-files.ts'
import { eventually } from '../../support/redis.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')

const event = (requestId: string): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId
})

/** Not one of the chain's own lines. */
const isRecord = (line: string): boolean => !line.includes('"chain":"')

interface Opened {
  readonly trail: Trail
  readonly folder: string
  /** Today's file. */
  readonly path: string
  readonly clock: { time: number }
  readonly logged: string[]
  /** The request ids on record, in the order of their lines; a line that is not whole JSON is an error. */
  readonly recorded: (day?: string) => string[]
}

interface Options {
  readonly fsync?: boolean
  readonly patienceMs?: number
  readonly windUp?: WindUp
}

const open = (t: Test, options: Options = {}): Opened => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const clock = { time: NOON }
  const logged: string[] = []
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: beginAuditKey,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...options
  })
  t.teardown(() => trail.close())
  const recorded = (day = '2026-03-01'): string[] =>
    readFileSync(join(folder, `${day}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .filter((line) => line.chain === undefined)
      .map((line) => line.requestId)
  return { trail, folder, path: join(folder, '2026-03-01.jsonl'), clock, logged, recorded }
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`)

const isUnavailable = async (append: Promise<void>): Promise<boolean> => {
  const error = await append.then(
    () => undefined,
    (reason: unknown) => reason
  )
  return error instanceof ProblemError && error.code === 'audit_unavailable'
}

test('nothing is created before the first append; then folder and file are for their owner alone', async (t) => {
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  const { trail, folder, path, recorded } = open(t)
  t.equal(trail.isWritable(), true)
  t.equal(existsSync(folder), false)
  await trail.append(event('first'))
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(recorded(), ['first'])
  t.match(readFileSync(path, 'utf8'), /^\{"time":"2026-03-01T12:00:00\.000Z",/)
})

test('a file that others could write is theirs no more, whoever may read it', async (t) => {
  const { trail, folder, path, recorded } = open(t)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, '')
  for (const [mode, left] of [
    [0o666, 0o644],
    [0o660, 0o640],
    [0o640, 0o640]
  ] as const) {
    chmodSync(path, mode)
    const again = createTrail({
      directory: join(folder, '..'),
      now: () => NOON,
      fsync: false,
      beginKey: beginAuditKey
    })
    await again.append(event(String(mode)))
    await again.close()
    t.equal(statSync(path).mode & 0o777, left)
  }
  t.equal(recorded().length, 3)
  await trail.close()
})

test('1,000 concurrent appends are 1,000 whole lines in their order', async (t) => {
  for (const fsync of [false, true]) {
    const { trail, recorded } = open(t, { fsync })
    const expected = ids(1_000)
    await Promise.all(expected.map((id) => trail.append(event(id))))
    t.strictSame(recorded(), expected)
  }
})

test('appends of many turns, each after its answer, are in order for each caller', async (t) => {
  const { trail, recorded } = open(t)
  await Promise.all(
    ['a', 'b', 'c'].map(async (caller) => {
      for (let i = 0; i < 50; i++) await trail.append(event(`${caller}${i}`))
    })
  )
  const lines = recorded()
  t.equal(lines.length, 150)
  for (const caller of ['a', 'b', 'c']) {
    const own = lines.filter((id) => id.startsWith(caller))
    t.strictSame(
      own,
      ids(50).map((id) => id.replace('r', caller))
    )
  }
})

test('an append is on record when it resolves', async (t) => {
  const { trail, recorded } = open(t)
  for (const id of ids(20)) {
    await trail.append(event(id))
    t.equal(recorded().at(-1), id)
  }
})

test('each event stands in the file of its own day, also when one turn has two days', async (t) => {
  const { trail, clock, recorded } = open(t)
  clock.time = Date.parse('2026-03-01T23:59:59.999Z')
  const before = trail.append(event('before'))
  clock.time++
  const after = trail.append(event('after'))
  await Promise.all([before, after])
  clock.time += 1_000
  await trail.append(event('later'))
  t.strictSame(recorded(), ['before'])
  t.strictSame(recorded('2026-03-02'), ['after', 'later'])
})

test('what was there stays, and a line that was cut off is not continued', async (t) => {
  const { trail, path, folder } = open(t)
  mkdirSync(folder)
  writeFileSync(path, '{"requestId":"earlier"}\n{"requestId":"cut o')
  await trail.append(event('next'))
  const lines = readFileSync(path, 'utf8').split('\n').filter(isRecord)
  t.strictSame(lines.slice(0, 2), ['{"requestId":"earlier"}', '{"requestId":"cut o'])
  t.equal(JSON.parse(lines[2] ?? '').requestId, 'next')
})

const noFullDevice = !existsSync('/dev/full') && 'there is no /dev/full here'
test('a full disk fails every append of the group, and the trail recovers', {
  skip: noFullDevice
}, async (t) => {
  const { trail, path, folder, recorded, logged } = open(t)
  mkdirSync(folder)
  symlinkSync('/dev/full', path)
  const outcomes = await Promise.all(ids(5).map((id) => isUnavailable(trail.append(event(id)))))
  t.strictSame(outcomes, [true, true, true, true, true])
  t.equal(trail.isWritable(), false)
  t.ok(await isUnavailable(trail.append(event('again'))))
  rmSync(path)
  await trail.append(event('recovered'))
  t.equal(trail.isWritable(), true)
  t.strictSame(recorded(), ['recovered'])
  t.strictSame(logged, [
    'error the audit trail cannot be written {"code":"ENOSPC"}',
    'info the audit trail is written again undefined'
  ])
})

const noUlimit = process.platform === 'win32' && 'no limit on the size of files here'
test('a line that a full disk cut off was not acknowledged, and is not continued', {
  skip: noUlimit
}, async (t) => {
  const { trail, path, folder } = open(t)
  // A limit on the size of files cuts a write as a full disk does; it holds for a process, so this needs one, and one
  // into which the test runner puts no loader, which would write files of its own.
  const program = fileURLToPath(new URL('../../support/trail-process.js', import.meta.url))
  const limited = `trap '' XFSZ; ulimit -f 4; exec env -u NODE_OPTIONS "$0" "$@"`
  const child = spawnSync('sh', ['-c', limited, process.execPath, program, join(folder, '..')])
  t.equal(child.status, 0, child.stderr.toString())
  const acknowledged = JSON.parse(child.stdout.toString()) as string[]
  t.ok(acknowledged.length > 5)
  const cut = readFileSync(path, 'utf8')
  t.notMatch(cut, /\n$/, 'the last line was cut off')
  await trail.append(event('after'))
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').filter(isRecord)
  const whole = lines.toSpliced(acknowledged.length, 1).map((line) => JSON.parse(line).requestId)
  t.strictSame(whole, [...acknowledged, 'after'])
  t.throws(() => JSON.parse(lines[acknowledged.length] ?? ''))
  const { find: findKey } = createKeyring([AUDIT_ENCRYPTION_KEY])
  const checked = await verifyTrail({ folder, anchors: [], findKey, auditor: undefined })
  t.match(checked, { verdict: /^ok$/, instances: 2 })
})

test('a line that was cut off ends with the first thing that can be written again, and leaves no blank one', async (t) => {
  const { trail, path } = open(t)
  mkdirSync(path, { recursive: true })
  t.ok(await isUnavailable(trail.append(event('lost'))))
  rmSync(path, { recursive: true })
  writeFileSync(path, '{"requestId":"earlier"}\n{"requestId":"cut o')
  const patience = AbortSignal.timeout(30_000)
  while (!trail.isWritable() && !patience.aborted) await turn()
  await trail.append(event('next'))
  const [earlier, cut, next = '', ...rest] = readFileSync(path, 'utf8').split('\n').filter(isRecord)
  t.strictSame([earlier, cut], ['{"requestId":"earlier"}', '{"requestId":"cut o'])
  t.equal(JSON.parse(next).requestId, 'next')
  t.strictSame(rest, [''])
})

test('something in the way of the folder or the file fails the append, and its end is noticed', async (t) => {
  const { trail, folder, path, recorded } = open(t)
  writeFileSync(folder, '')
  t.ok(await isUnavailable(trail.append(event('folder'))))
  rmSync(folder)
  mkdirSync(path, { recursive: true })
  t.ok(await isUnavailable(trail.append(event('file'))))
  rmSync(path, { recursive: true })
  await trail.append(event('recovered'))
  t.strictSame(recorded(), ['recovered'])
})

test('a file that was removed, moved or replaced is noticed a second later', async (t) => {
  const spoilers: readonly ((path: string) => void)[] = [
    (path) => rmSync(path),
    (path) => rmSync(join(path, '..'), { recursive: true }),
    (path) => renameSync(path, `${path}.1`),
    (path) => {
      renameSync(path, `${path}.1`)
      writeFileSync(path, '')
    }
  ]
  for (const spoil of spoilers) {
    const { trail, path, clock, recorded } = open(t)
    await trail.append(event('before'))
    clock.time += 1_000
    await trail.append(event('looked'))
    spoil(path)
    clock.time += 1_000
    await trail.append(event('after'))
    t.strictSame(recorded(), ['after'])
  }
})

test('what an operator appends to or cuts from the file does no harm', async (t) => {
  const { trail, path, recorded } = open(t)
  await trail.append(event('one'))
  appendFileSync(path, '{"requestId":"by hand"}\n')
  await trail.append(event('two'))
  t.strictSame(recorded(), ['one', 'by hand', 'two'])
  writeFileSync(path, '')
  await trail.append(event('three'))
  t.strictSame(recorded(), ['three'])
})

const fifoAt = (path: string): boolean => spawnSync('mkfifo', [path]).status === 0

/** A timer that a test lets run out. */
const createHandTimer = () => {
  let runOut = (): void => {}
  let isWound = true
  const windUp: WindUp = (callBack) => {
    runOut = callBack
    return {
      refresh: () => {
        isWound = true
      }
    }
  }
  return {
    windUp,
    /** Whether it has been wound up since it ran out last. */
    isWound: () => isWound,
    runOut: () => {
      isWound = false
      runOut()
    }
  }
}

/** A pipe takes 64 KiB that nobody reads, and then keeps the writer waiting. */
const fill = (path: string): void => {
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const filler = Buffer.alloc(4_096, ' ')
  try {
    while (writeSync(writer, filler) > 0);
  } catch {
    // EAGAIN: it is full.
  }
  closeSync(writer)
}

test('a write that hangs fails in time, threads are not piled up, and its end is noticed', async (t) => {
  const timer = createHandTimer()
  const { trail, path, folder, clock, logged, recorded } = open(t, { windUp: timer.windUp })
  mkdirSync(folder)
  if (!fifoAt(path)) return
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  fill(path)
  // The time that counts is the write's, not the trail's.
  timer.runOut()
  const appends = [trail.append(event('hangs'))]
  // The reader's, and the trail's: on a busy machine it would otherwise open what comes in the place of this.
  while (!timer.isWound() || (canCountOpen && openBelow(folder) < 2)) await turn()
  appends.push(trail.append(event('behind it')))
  const outcomes = Promise.all(appends.map(isUnavailable))
  for (let part = 1; part < 4; part++) {
    timer.runOut()
    await turn()
    t.equal(trail.isWritable(), true, 'there is time left')
  }
  timer.runOut()
  t.same(await outcomes, [true, true])
  t.equal(trail.isWritable(), false)
  // No time passes.
  for (const id of ids(20)) t.ok(await isUnavailable(trail.append(event(id))))

  rmSync(path)
  const sink = Buffer.alloc(65_536)
  const drain = (): void => {
    try {
      while (readSync(reader, sink) > 0);
    } catch {
      // EAGAIN: nothing there at the moment.
    }
  }
  const patience = AbortSignal.timeout(30_000)
  while (!trail.isWritable() && !patience.aborted) {
    drain()
    clock.time += 1_000
    await turn()
  }
  closeSync(reader)
  await trail.append(event('recovered'))
  t.strictSame(recorded(), ['recovered'])
  t.strictSame(logged, [
    'error the audit trail cannot be written {"code":"ETIMEDOUT"}',
    'info the audit trail is written again undefined'
  ])
})

test('an event loop that stood still is not taken for a disk that does', async (t) => {
  const { trail, logged, recorded } = open(t, { patienceMs: 1_000 })
  await trail.append(event('before'))
  const appended = trail.append(event('meanwhile'))
  // After the write has begun, and before its end can be heard.
  await new Promise((resolve) => setImmediate(resolve))
  const until = performance.now() + 1_500
  while (performance.now() < until);
  await appended
  t.same(recorded(), ['before', 'meanwhile'])
  t.same(logged, [])
})

test('a trail that nobody appends to finds out by itself that it can be written again', async (t) => {
  const { trail, folder, path, clock, recorded } = open(t)
  writeFileSync(folder, '')
  t.ok(await isUnavailable(trail.append(event('lost'))))
  t.equal(trail.isWritable(), false)
  await eventually(() => trail.figures().failedGroups === 2)
  rmSync(folder)
  t.equal(trail.isWritable(), false)
  t.equal(trail.figures().lagMs, 0, 'it tries once a second, not whenever it is asked')
  t.equal(existsSync(path), false)
  clock.time += 1_000
  t.equal(trail.isWritable(), false)
  t.ok(trail.figures().lagMs > 0)
  await eventually(() => trail.isWritable())
  await trail.append(event('next'))
  t.strictSame(recorded(), ['next'])
})

test('close waits for what was appended before, and refuses what comes after', async (t) => {
  const { trail, recorded } = open(t)
  const expected = ids(100)
  const appends = expected.map((id) => trail.append(event(id)))
  await trail.close()
  t.strictSame(recorded(), expected)
  await Promise.all(appends)
  t.ok(await isUnavailable(trail.append(event('late'))))
  await trail.close()
})

test('two trails in one folder do not mix up their lines', async (t) => {
  const directory = createDirectory(t)
  const options = { directory, now: () => NOON, fsync: false, beginKey: beginAuditKey }
  const [a, b] = [createTrail(options), createTrail(options)]
  await Promise.all(
    ids(300).flatMap((id) => [a.append(event(`a ${id}`)), b.append(event(`b ${id}`))])
  )
  await Promise.all([a.close(), b.close()])
  const [file = ''] = readdirSync(join(directory, 'audit'))
  const lines = readFileSync(join(directory, 'audit', file), 'utf8')
    .trimEnd()
    .split('\n')
    // One may open the file in the middle of the other's write, take its line for a cut one, and begin with a line feed.
    .filter((line) => line !== '' && isRecord(line))
  t.equal(new Set(lines.map((line) => JSON.parse(line).requestId)).size, 600)
})

test('each of several processes in one folder has files of its own', async (t) => {
  const directory = createDirectory(t)
  const trails = [1, 2].map((worker) =>
    createTrail({
      directory,
      writer: String(worker),
      now: () => NOON,
      fsync: false,
      beginKey: beginAuditKey
    })
  )
  for (const [i, trail] of trails.entries()) await trail.append(event(`r${i}`))
  await Promise.all(trails.map((trail) => trail.close()))
  const names = ['2026-03-01.1.jsonl', '2026-03-01.2.jsonl']
  const folder = join(directory, 'audit')
  t.strictSame(readdirSync(folder).sort(), names)
  t.strictSame(
    names.map(
      (name) => JSON.parse(readFileSync(join(folder, name), 'utf8').split('\n')[1] ?? '').requestId
    ),
    ['r0', 'r1']
  )
})
