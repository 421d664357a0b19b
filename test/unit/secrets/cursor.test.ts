/** What is taken for a cursor: a place in a listing that this service has sealed, and nothing else. */
import { test } from 'tap'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { cursorContext, openCursor, pathDigest, sealCursor } from '../../../src/secrets/cursor.ts'
import { randomKeyring } from '../../support/keys.ts'

const sealer = createSealer(randomKeyring().keyring)
const PLACE = ['listing', 'app', 'kv', 'acme/']
const refused = { code: 'invalid_request' }

test('a cursor opens as the place that it was made of, for the same caller and prefix alone', async (t) => {
  const caller = { client: 'app' } as Parameters<typeof cursorContext>[0]
  const context = cursorContext(caller, { store: 'kv', path: 'acme/' })
  t.strictSame(context, PLACE)
  const cursor = sealCursor(sealer, { token: 'page 2', after: 'acme/db' }, context)
  t.strictSame(openCursor(sealer, cursor, context), {
    token: 'page 2',
    after: pathDigest('acme/db')
  })
  t.strictSame(openCursor(sealer, sealCursor(sealer, {}, context), context), {})
  for (const i of context.keys()) {
    t.throws(() => openCursor(sealer, cursor, context.with(i, 'other')), refused)
  }
})

test('what was sealed and is no place, as a replica of another version may do, is refused as any other', async (t) => {
  const sealed = (text: string): string =>
    sealer.seal('cache', Buffer.from(text), PLACE).toString('base64url')
  for (const text of ['', 'no JSON', 'null', '[]', '"a"', '{"token":7}', '{"after":null}']) {
    t.throws(() => openCursor(sealer, sealed(text), PLACE), refused, text)
  }
})
