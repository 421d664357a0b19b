/**
 * The parsers of what Purser has sealed: API keys, states, envelopes, the manifest of a backup. Rule: of these only what
 * stands in the corpus as genuine opens; whatever differs by a bit does not.
 */
import { openEntry, openNote } from '../../../src/audit/redis-entry.ts'
import { openSlot, recordCodec } from '../../../src/cache/envelope.ts'
import { readManifest } from '../../../src/cli/backup-form.ts'
import { CommandFailure } from '../../../src/cli/failure.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { openJwe } from '../../../src/crypto/jwe.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { openApiKey } from '../../../src/keys/api-key.ts'
import { openCursor } from '../../../src/secrets/cursor.ts'
import { genuineIn } from './corpus.ts'
import { type FuzzSubject, Misread, refusedAs, TAKEN } from './subject.ts'

/** For the corpus alone: everybody knows it. */
const CORPUS_KEYRING = createKeyring(['the-key-of-the-corpus-nothing-el'])
const sealer = createSealer(CORPUS_KEYRING)

const PARTS = ['.', '..', '-', '_', 'A', '=', '+', '/', ' ', '\n', 'eyJhbGciOiJkaXIi', '\u0000']

const genuine = (subject: string, input: string, what: string): string => {
  if (!genuineIn(subject).has(input)) throw new Misread(`${what} that nobody has sealed`)
  return `${TAKEN}: ${what}`
}

const key: FuzzSubject = {
  name: 'key',
  words: ['purser_', 'purser_dev_', 'purser_pro_', ...PARTS],
  outcome: async (input) =>
    (await openApiKey(CORPUS_KEYRING, input)) ? genuine('key', input, 'a key') : 'refused'
}

const state: FuzzSubject = {
  name: 'state',
  words: PARTS,
  outcome: async (input) =>
    (await openJwe(CORPUS_KEYRING, 'state', input)) ? genuine('state', input, 'a state') : 'refused'
}

/** Where the genuine ones stand, and when. */
const CACHE_PLACE = ['secret', 'dev', 'aws', 'place', 'acme/db', '', '']
const STREAM = { environment: 'dev', stream: 'trail', number: 7 }
const CURSOR_PLACE = ['listing', 'app', 'aws', 'acme/']
const NOTHING_INVALIDATED = { mark: '', epoch: '' }

/** Its bytes are the characters of the input, each below 256. */
const envelope: FuzzSubject = {
  name: 'envelope',
  words: ['\u0000', '\u0001', '\u0002', '\u00ff', '\u007f', '{', '\n', '\u0001'.repeat(16)],
  outcome: (input) => {
    const bytes = Buffer.from(input, 'latin1')
    const ours = bytes.toString('latin1')
    const slot = openSlot(sealer, recordCodec, CACHE_PLACE, bytes, NOTHING_INVALIDATED, 0)
    if (typeof slot !== 'string') return genuine('envelope', ours, 'a slot')
    if (openEntry(sealer, STREAM, bytes)) return genuine('envelope', ours, 'an entry of the trail')
    if (openNote(sealer, STREAM, bytes)) return genuine('envelope', ours, 'a note')
    const cursor = refusedAs(ProblemError, () => {
      openCursor(sealer, bytes.toString('base64url'), CURSOR_PLACE)
      return TAKEN
    })
    return cursor === TAKEN ? genuine('envelope', ours, 'a cursor') : `${slot}, ${cursor}`
  }
}

/** A manifest, and behind a null character its seal in base64. */
const backup: FuzzSubject = {
  name: 'backup',
  words: [
    '"format": 1',
    '"format": 2',
    '"files": [',
    '"name": "../x"',
    '{',
    '}',
    '\n',
    '\u0000',
    'null'
  ],
  outcome: (input) => {
    const at = input.lastIndexOf('\u0000')
    const [manifest, seal] = [input.slice(0, Math.max(at, 0)), input.slice(at + 1)]
    const bytes = Buffer.from(seal, 'base64')
    return refusedAs(
      CommandFailure,
      () => {
        readManifest(Buffer.from(manifest), bytes, sealer)
        // base64 has several spellings of the same bytes.
        return genuine('backup', `${manifest}\u0000${bytes.toString('base64')}`, 'a backup')
      },
      ({ message }) => message.replace(/\S*\d\S*/g, '')
    )
  }
}

export const sealedSubjects = [key, state, envelope, backup] as const
