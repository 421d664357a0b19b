/** The canary has to be found in every disguise, or the tests that rely on it prove nothing. */
import { test } from 'tap'
import { createCanary, everythingIn } from '../../support/canary.ts'

const DISGUISES: readonly (readonly [string, (token: string) => string])[] = [
  ['as it is', (token) => `before ${token} after`],
  ['in base64', (token) => Buffer.from(token).toString('base64')],
  ['in base64 after one byte', (token) => Buffer.from(`x${token}yz`).toString('base64')],
  ['in base64 after two bytes', (token) => Buffer.from(`xy${token}z`).toString('base64')],
  ['in base64url', (token) => Buffer.from(`xyz${token}`).toString('base64url')],
  ['in hex', (token) => Buffer.from(token).toString('hex')],
  ['in upper-case hex', (token) => Buffer.from(token).toString('hex').toUpperCase()],
  ['in a URL', (token) => `/?q=${encodeURIComponent(token)}`],
  ['in a query', (token) => new URLSearchParams({ q: token }).toString()],
  ['with every byte percent-encoded', (token) => percentEncoded(token)],
  ['in JSON', (token) => JSON.stringify({ token })],
  ['in JSON within JSON', (token) => JSON.stringify({ body: JSON.stringify({ token }) })],
  ['reversed', (token) => [...token].reverse().join('')],
  ['as an array of bytes', (token) => JSON.stringify(Buffer.from(token))]
]

const percentEncoded = (token: string): string =>
  [...Buffer.from(token)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join('')

for (const [disguise, disguised] of DISGUISES) {
  test(`a canary is found ${disguise}`, async (t) => {
    const { token, findIn } = createCanary()
    t.not(findIn(disguised(token)).length, 0)
    t.not(findIn(Buffer.from(disguised(token))).length, 0)
  })
}

test('a canary is not found where there is another one', async (t) => {
  const { findIn } = createCanary()
  for (const [, disguised] of DISGUISES) t.strictSame(findIn(disguised(createCanary().token)), [])
})

test('a canary is found in whatever hangs on an error', async (t) => {
  const { token, findIn } = createCanary()
  const hidden = new Error('hidden')
  Object.defineProperty(hidden, '$response', { value: { body: token }, enumerable: false })
  const errors = [
    new Error(token),
    new Error('outer', { cause: new Error('middle', { cause: new Error(token) }) }),
    new Error('outer', { cause: { deep: [{ deeper: token }] } }),
    Object.assign(new Error('property'), { config: { headers: new Map([['x', token]]) } }),
    hidden
  ]
  for (const error of errors) t.not(findIn(everythingIn(error)).length, 0, error.message)
})
