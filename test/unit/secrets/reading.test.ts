/** The records of a batch: each of its own, in the order asked, and without it nothing leaves. */
import { type Test, test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { denied, ProblemError } from '../../../src/core/problem.ts'
import { createReading } from '../../../src/secrets/reading.ts'
import type { Found, Seek } from '../../../src/secrets/seek.ts'

const CALLER = {
  client: 'app',
  mode: 'r',
  route: 'POST /v1/secrets/batch',
  requestId: 'r',
  address: '127.0.0.1'
} as const

const found = (path: string): Found =>
  ({ reference: { store: 'kv', path }, view: { version: '1' }, cache: 'HIT' }) as Found

/** `later/…` is not at hand, `never/…` may not be read. */
const seek: Seek = (_caller, { text }) => {
  if (text.startsWith('later/')) return Promise.resolve(found(text))
  if (!text.startsWith('never/')) return found(text)
  return { reference: { store: 'kv', path: text }, error: denied('no_rule') }
}

const open = (t: Test, recordedIn: (event: AuditEvent) => Promise<void>) => {
  const events: AuditEvent[] = []
  const recorder = createRecorder({
    environment: 'dev',
    record: (event) => {
      events.push(event)
      return recordedIn(event)
    },
    log: () => t.fail('nothing is unexpected')
  })
  const { readSecrets } = createReading({ recorder, seek })
  const read = async (...texts: string[]) => {
    const results = await readSecrets(
      CALLER,
      texts.map((text) => ({ text }))
    )
    return results.map((one) => (one instanceof ProblemError ? one.code : one.cache))
  }
  return { events, read }
}

test('each secret of a batch has a record of its own, in the order asked', async (t) => {
  const { events, read } = open(t, async () => {})
  t.strictSame(await read('a', 'never/b', 'c', 'later/d', 'e'), [
    'HIT',
    'access_denied',
    'HIT',
    'HIT',
    'HIT'
  ])
  // What has to be waited for is on record once it is there.
  t.strictSame(
    events.map(({ reference, outcome }) => `${reference} ${outcome}`),
    ['kv:a allowed', 'kv:never/b denied', 'kv:c allowed', 'kv:e allowed', 'kv:later/d allowed']
  )
})

test('nothing is given before all that is given is on record', async (t) => {
  let write = (): void => {}
  const group = new Promise<void>((resolve) => {
    write = resolve
  })
  const { read } = open(t, () => group)
  let isGiven = false
  const given = read('a', 'b').then((results) => {
    isGiven = true
    return results
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(isGiven)
  write()
  t.strictSame(await given, ['HIT', 'HIT'])
})

test('of what could not be recorded nothing leaves, and the rest does', async (t) => {
  const groups = [Promise.resolve(), Promise.reject(new ProblemError('audit_unavailable'))] as const
  // The group of records ends within the batch.
  const { read } = open(t, ({ reference = '' }) => groups[reference < 'kv:c' ? 0 : 1])
  t.strictSame(await read('a', 'b', 'c', 'd', 'later/e', 'never/f'), [
    'HIT',
    'HIT',
    'audit_unavailable',
    'audit_unavailable',
    'audit_unavailable',
    'audit_unavailable'
  ])
})
