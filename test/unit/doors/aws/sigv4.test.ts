/** Signatures as botocore makes them (test/unit/vectors/sigv4.json), and what becomes of each change to a signed request. */
import { test } from 'tap'
import {
  isSignature,
  parseTerms,
  parseTime,
  splitSigned
} from '../../../../src/doors/aws/signed.ts'
import {
  faultOfSignature,
  MARGIN_MS,
  type Received,
  signingOf
} from '../../../../src/doors/aws/sigv4.ts'
import { readVectors } from '../../../support/vectors.ts'

interface Sent {
  readonly method?: string
  readonly url?: string
  readonly headers: readonly (readonly string[])[]
  readonly body: string
}

interface Vectors {
  readonly secret: string
  readonly at: string
  readonly requests: readonly (Sent & { readonly name: string })[]
}

const vectors = readVectors<Vectors>('sigv4')

const AT = Date.parse(vectors.at)

const received = ({ method = 'POST', url = '/', headers, body }: Sent): Received => ({
  method,
  url,
  rawHeaders: headers.flat(),
  body: Buffer.from(body)
})

const headerOf = ({ headers }: Sent, name: string): string =>
  headers.find(([one]) => one?.toLowerCase() === name)?.[1] ?? ''

const faultOf = (sent: Sent, secret = vectors.secret, now = AT) => {
  const { terms: text, signature } = splitSigned(headerOf(sent, 'authorization'))
  const terms = parseTerms(text)
  if (terms === undefined) return 'unread'
  return faultOfSignature(received(sent), signingOf(secret, terms), signature, now)
}

const read = vectors.requests[0] ?? { headers: [], body: '' }

const withHeader = (name: string, change: (value: string) => string): Sent => ({
  ...read,
  headers: read.headers.map(([one = '', value = '']) =>
    one.toLowerCase() === name ? [one, change(value)] : [one, value]
  )
})

const withAuthorization = (change: (value: string) => string): Sent =>
  withHeader('authorization', change)

test('what botocore signs is accepted, in every region, at every host and with any body', async (t) => {
  t.ok(vectors.requests.length >= 8)
  for (const request of vectors.requests) {
    const expected = request.name === 'no session token' ? 'unread' : undefined
    t.equal(faultOf(request), expected, request.name)
  }
})

test('a change to anything that was signed is found', async (t) => {
  t.equal(faultOf({ ...read, body: `${read.body} ` }), 'wrong', 'the body')
  t.equal(faultOf(withHeader('x-amz-target', () => 'secretsmanager.ListSecrets')), 'wrong')
  t.equal(faultOf(withHeader('host', () => 'other.example')), 'wrong')
  t.equal(faultOf(withHeader('x-amz-security-token', (key) => `${key}x`)), 'wrong')
  t.equal(faultOf(withHeader('content-type', () => 'text/plain')), 'wrong')
  t.equal(faultOf({ ...read, method: 'PUT' }), 'wrong')
  t.equal(faultOf({ ...read, url: '/?Action=x' }), 'wrong', 'a query is none that was signed')
  t.equal(faultOf({ ...read, url: '/other' }), 'wrong')
  t.equal(faultOf(read, 'another-secret'), 'wrong')
})

test('an old and a coming signature are refused, one of the last five minutes is not', async (t) => {
  t.equal(faultOf(read, vectors.secret, AT + MARGIN_MS), undefined)
  t.equal(faultOf(read, vectors.secret, AT - MARGIN_MS), undefined)
  t.equal(faultOf(read, vectors.secret, AT + MARGIN_MS + 1), 'stale')
  t.equal(faultOf(read, vectors.secret, AT - MARGIN_MS - 1), 'stale')
  const other = withAuthorization((text) => text.replace('/20261201/', '/20261130/'))
  t.equal(faultOf(other), 'incomplete', 'the scope is of another day')
  t.equal(faultOf(withHeader('x-amz-date', () => '20261201T063516')), 'incomplete')
})

test('each header that is read has to be signed, and to be there once', async (t) => {
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']) {
    const unsigned = withAuthorization((text) =>
      text.replace(`;${name}`, '').replace(`${name};`, '')
    )
    t.equal(faultOf(unsigned), 'unread', name)
    const twice = { ...read, headers: [...read.headers, [name, headerOf(read, name)]] }
    t.equal(faultOf(twice), 'incomplete', `${name} twice`)
  }
  const signedTwice = { ...read, headers: [...read.headers, ['CONTENT-TYPE', 'text/plain']] }
  t.equal(faultOf(signedTwice), 'incomplete')
  const absent = withAuthorization((text) => text.replace('content-type;', 'accept;content-type;'))
  t.equal(faultOf(absent), 'incomplete', 'a header that is not there')
})

test('a digest of the body that is told has to be that of the body', async (t) => {
  const told = (value: string): Sent => ({
    ...read,
    headers: [...read.headers, ['x-amz-content-sha256', value]]
  })
  t.equal(
    faultOf(told('dc4a1ad3c0cdc5d5a6aa1cba52ac5dd2e84b9ae5f0b4f6a9a1d7b4e9e5d9f9f9')),
    'wrong'
  )
  t.equal(faultOf(told('UNSIGNED-PAYLOAD')), 'wrong')
})

test('an Authorization header is read in one spelling', async (t) => {
  const text = headerOf(read, 'authorization')
  t.match(parseTerms(splitSigned(text).terms), {
    accessKeyId: 'PSR0123456789ABCDEF',
    date: '20261201',
    region: 'eu-west-1',
    headers: ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']
  })
  const apart = splitSigned(text.replaceAll(', ', ','))
  t.ok(parseTerms(apart.terms), 'some clients leave the blank out')
  const wrong: readonly ((given: string) => string)[] = [
    (given) => given.replace('SHA256 ', 'SHA512 '),
    (given) => given.replace('secretsmanager/aws4', 's3/aws4'),
    (given) => given.replace('aws4_request', 'aws5_request'),
    (given) => given.replace('host;x-amz-date', 'x-amz-date;host'),
    (given) => given.replace('host;', 'host;host;'),
    (given) => given.replace('host;', 'Host;'),
    (given) => given.slice(0, -1),
    (given) => `${given}, Signature=${'0'.repeat(64)}`,
    (given) => given.replace(/, Signature=.*/, ''),
    (given) => ` ${given}`
  ]
  for (const change of wrong) t.equal(faultOf(withAuthorization(change)), 'unread', change(text))
  const capitals = (given: string) => given.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase())
  t.equal(faultOf(withAuthorization(capitals)), 'wrong', 'capitals')
  t.equal(isSignature('Bearer x'), false)
  t.equal(isSignature('AWS4-HMAC-SHA256'), true)
})

test('a time is one of the calendar', async (t) => {
  t.equal(parseTime('20261201T063516Z'), AT)
  for (const text of ['20261301T063516Z', '20261201T253516Z', '2026-12-01T06:35:16Z', '']) {
    t.ok(Number.isNaN(parseTime(text)), text)
  }
})
