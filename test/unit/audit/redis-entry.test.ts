/** What stands in Redis is sealed to its place, and a note that is none of ours is none. */
import { test } from 'tap'
import { openEntry, openNote, sealEntry, sealNote } from '../../../src/audit/redis-entry.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'

const sealer = createSealer(createKeyring([newEncryptionKey()]))
const PLACE = { environment: 'pro', stream: 's1', number: 7 }

test('an entry opens in its place, with its lines and the one before it', (t) => {
  const value = sealEntry(sealer, PLACE, 5, 'a\nb\n')
  const opened = openEntry(sealer, PLACE, value)
  t.strictSame([opened?.former, opened?.lines.toString()], [5, 'a\nb\n'])
  t.strictSame(
    openEntry(sealer, PLACE, sealEntry(sealer, PLACE, 0, ''))?.lines.length,
    0,
    'by which a sink is tried'
  )
  t.notOk(value.includes('a\nb'))
  t.end()
})

test('in another environment, stream or number, altered, or under another key it does not open', (t) => {
  const value = sealEntry(sealer, PLACE, 5, 'a\n')
  for (const other of [{ environment: 'pre' }, { stream: 's2' }, { number: 8 }]) {
    t.equal(openEntry(sealer, { ...PLACE, ...other }, value), undefined)
  }
  const altered = Buffer.from(value)
  altered[altered.length - 1] = (altered[altered.length - 1] ?? 0) ^ 1
  t.equal(openEntry(sealer, PLACE, altered), undefined)
  const stranger = createSealer(createKeyring([newEncryptionKey()]))
  t.equal(openEntry(stranger, PLACE, value), undefined)
  t.equal(openEntry(sealer, PLACE, Buffer.from('x')), undefined)
  const context = ['audit', 'pro', 's1', '7']
  const headless = sealer.seal('cache', Buffer.from('no line feed'), context)
  t.equal(openEntry(sealer, PLACE, headless), undefined)
  t.end()
})

test('a note opens for its stream, with all that it has, and only if it is one', (t) => {
  const { number: _, ...stream } = PLACE
  const whole = {
    at: 1,
    last: 2,
    taken: { at: 3, until: 4 },
    instance: 'i',
    file: { name: 'f', end: 5, seq: 6 }
  }
  for (const note of [whole, { at: 1, last: 0 }]) {
    t.strictSame(openNote(sealer, stream, sealNote(sealer, stream, note)), note)
  }
  const sealed = sealNote(sealer, stream, whole)
  t.equal(openNote(sealer, { ...stream, stream: 's2' }, sealed), undefined)
  t.equal(openNote(sealer, { ...stream, environment: 'pre' }, sealed), undefined)
  t.equal(openNote(sealer, stream, sealEntry(sealer, PLACE, 5, 'a')), undefined, 'an entry is none')
  for (const wrong of [
    {},
    { at: 1 },
    { at: 'x', last: 2 },
    { ...whole, taken: {} },
    { ...whole, taken: { at: 3 } },
    { ...whole, instance: 7 },
    { ...whole, file: {} },
    { ...whole, file: { name: 'f', end: 5 } },
    { ...whole, file: { name: 7, end: 5, seq: 6 } }
  ]) {
    t.equal(openNote(sealer, stream, sealNote(sealer, stream, wrong as typeof whole)), undefined)
  }
  const text = sealer.seal('cache', Buffer.from('{"at":'), ['audit-stream', 'pro', 's1'])
  t.equal(openNote(sealer, stream, text), undefined)
  t.end()
})
