/** The one JWE profile: what is written opens, and whatever another writer may make does not. */
import { CompactEncrypt } from 'jose'
import { test } from 'tap'
import { openJwe, sealJwe } from '../../../src/crypto/jwe.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'

const ring = createKeyring([newEncryptionKey(), newEncryptionKey()])
const { active } = ring
const HEADER = { alg: 'dir', enc: 'A256GCM', typ: 'purser-state+jwe', kid: active.kid }
const open = (compact: string) => openJwe(ring, 'state', compact)

/** As somebody with the encryption key could write it. */
const written = (payload: string | Buffer, header: object = {}, protectedHeader: object = HEADER) =>
  new CompactEncrypt(Buffer.from(payload))
    .setProtectedHeader({ ...protectedHeader, ...header } as typeof HEADER)
    .encrypt(active.keyFor('state'))

const payload = (members: object = {}): string =>
  JSON.stringify({ a: 1, kid: active.kid, ...members })

test('what was sealed opens, with the kid that it stands under, for its purpose alone', async (t) => {
  const compact = await sealJwe(ring, 'state', { a: 1 })
  t.strictSame(await open(compact), { a: 1, kid: active.kid })
  t.equal(await openJwe(ring, 'api-key', compact), undefined)
  t.equal(await openJwe(createKeyring([newEncryptionKey()]), 'state', compact), undefined)
  const header = JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString())
  t.strictSame(header, HEADER)
})

test('an older encryption key of the ring opens what was sealed under it', async (t) => {
  const older = newEncryptionKey()
  const compact = await sealJwe(createKeyring([older]), 'state', { a: 1 })
  t.match(await openJwe(createKeyring([older, newEncryptionKey()]), 'state', compact), { a: 1 })
})

test('a header of another algorithm, type or with a member more is refused, though all else is right', async (t) => {
  t.strictSame(await open(await written(payload())), { a: 1, kid: active.kid })
  for (const header of [
    { typ: 'purser-key+jwe' },
    { typ: 'PURSER-STATE+JWE' },
    { cty: 'json' },
    { jku: 'https://example.com' },
    { x: 1 }
  ]) {
    t.equal(await open(await written(payload(), header)), undefined, JSON.stringify(header))
  }
  const { typ: _typ, ...untyped } = HEADER
  t.equal(await open(await written(payload(), {}, untyped)), undefined)
  const { kid: _kid, ...unnamed } = HEADER
  t.equal(await open(await written(payload(), {}, unnamed)), undefined)
})

test('the payload is an object that names the same kid as the header', async (t) => {
  for (const wrong of [
    '',
    'null',
    '[]',
    '"text"',
    '7',
    '{}',
    '{"a":',
    payload({ kid: ring.kids[0] })
  ]) {
    t.equal(await open(await written(wrong)), undefined, wrong)
  }
  t.equal(await open(await written(payload(), { kid: 'AAAAAAAA' })), undefined, 'an unknown kid')
  t.equal(await open(await written(payload(), { kid: ring.kids[0] })), undefined, 'another key')
})

test('a token that is longer than any of ours is refused, though it be genuine', async (t) => {
  const longest = payload({ text: 'x'.repeat(6_000) })
  t.match(await open(await written(longest)), { a: 1 })
  t.equal(await open(await written(payload({ text: 'x'.repeat(6_200) }))), undefined)
})

test('what surrounds a token, or is none, is refused', async (t) => {
  const compact = await written(payload())
  const [header = '', , iv, text, tag] = compact.split('.')
  for (const wrong of [
    '',
    ` ${compact}`,
    `${compact}\n`,
    `${compact}.`,
    `x.${compact}`,
    `${compact}.${tag}`,
    [header, 'AAAA', iv, text, tag].join('.'),
    ['bnVsbA', '', iv, text, tag].join('.'),
    ['e30', '', iv, text, tag].join('.'),
    [`${header}=`, '', iv, text, tag].join('.')
  ]) {
    t.equal(await open(wrong), undefined, wrong.slice(0, 20))
  }
})
