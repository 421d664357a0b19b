/** What the common suite cannot know of writing, listing and labels in GCP: how they are asked for on the wire. */
import { type Test, test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { gcpSecretManager } from '../../../src/kinds/gcp/index.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { openWire, type WireAnswer } from '../../support/wire.ts'
import {
  added,
  addRequest,
  calledIn,
  connectGcp,
  errorInfo,
  gcpDialect,
  listed,
  listRequest,
  messageIn,
  PROJECT,
  refusal,
  VERSION_NAME
} from './fake.ts'

const PARENT = `projects/${PROJECT}`
const nameOf = (id: string) => `projects/123456789012/secrets/${id}`

/** Google that gives these answers in turn, the last of them for ever. */
const open = async (t: Test, answers: readonly WireAnswer[] = [], settings: object = {}) => {
  const found: typeof gcpDialect.found = (text, request) =>
    answers[Math.min(wire.reads.length, answers.length) - 1] ?? gcpDialect.found(text, request)
  const wire = await openWire(t, { ...gcpDialect, found }, { read: 'found', text: 'x' })
  const { write, list, close } = await connectGcp(t, wire, createDeps(), settings)
  t.teardown(close)
  if (!write || !list) throw new Error('a power is missing')
  return {
    wire,
    list,
    put: (path: string, text: string) => write({ path }, new Sensitive(text), within())
  }
}

test('a write adds a version to the secret, with the checksum of its bytes', async (t) => {
  const { wire, put } = await open(t)
  t.strictSame(await put('app', '123456789'), { version: '7' })
  const regional = await open(t, [], { location: 'europe-west3' })
  await regional.put('app', '123456789')
  // The check value of CRC-32C, from the catalogue of checksums.
  const data = Buffer.from('123456789')
  const parents = [`${PARENT}/secrets/app`, `${PARENT}/locations/europe-west3/secrets/app`]
  const requests = [...wire.reads, ...regional.wire.reads]
  t.strictSame(
    requests.map(messageIn),
    parents.map((parent) => addRequest(parent, data, 0xe3069283))
  )
  t.strictSame(
    requests.map(calledIn),
    parents.map((parent) => ['AddSecretVersion', parent])
  )
  t.equal(
    wire.reads[0]?.headers['x-goog-request-params'],
    `parent=${encodeURIComponent(`${PARENT}/secrets/app`)}`
  )
})

test('what Google says to a write has the meaning that it has for a read', async (t) => {
  const meanings: readonly (readonly [WireAnswer, string])[] = [
    [refusal(3, 'x'), 'misconfigured'],
    [refusal(5, 'x'), 'not_found'],
    [refusal(7, 'x', errorInfo('IAM_PERMISSION_DENIED')), 'denied'],
    [refusal(8, 'x'), 'throttled'],
    [refusal(9, 'The key of the secret is disabled.'), 'misconfigured']
  ]
  for (const [answer, reason] of meanings) {
    const { wire, put } = await open(t, [answer])
    t.equal((await faultOf(put('app', 'x'))).reason, reason)
    t.equal(wire.reads.length, 1)
  }
})

test('a write that may have been done is not sent again, and a listing is', async (t) => {
  const { wire, put } = await open(t, [refusal(14, 'x'), added(VERSION_NAME)])
  t.equal((await faultOf(put('app', 'x'))).reason, 'unavailable')
  t.equal(wire.reads.length, 1)
  const listing = await open(t, [refusal(14, 'x'), listed([])])
  t.strictSame(await listing.list('', { limit: 9 }, within()), { paths: [] })
  t.equal(listing.wire.reads.length, 2)
})

test('a write whose answer names no version is no write that we could speak of', async (t) => {
  for (const name of ['', 'projects/1/secrets/app/versions/latest']) {
    const { wire, put } = await open(t, [added(name)])
    t.equal((await faultOf(put('app', 'x'))).reason, 'invalid_answer')
    t.equal(wire.reads.length, 1)
  }
})

test('a text that Google cannot hold is not even sent, and the largest is', async (t) => {
  const { wire, put } = await open(t)
  for (const text of ['', 'x'.repeat(65_537), 'ż'.repeat(32_769)]) {
    t.equal((await faultOf(put('app', text))).reason, 'invalid_request')
  }
  t.equal(wire.reads.length, 0)
  await put('app', 'ż'.repeat(32_768))
  t.equal(wire.reads.length, 1)
})

test('a listing asks for a hundred at most, in the project and the location', async (t) => {
  const { wire, list } = await open(t)
  await list('', { limit: 1_000 }, within())
  await list('', { limit: 5, cursor: 'theirs' }, within())
  const regional = await open(t, [], { location: 'europe-west3' })
  await regional.list('', { limit: 5 }, within())
  t.strictSame([...wire.reads, ...regional.wire.reads].map(messageIn), [
    listRequest(PARENT, 100),
    listRequest(PARENT, 5, 'theirs'),
    listRequest(`${PARENT}/locations/europe-west3`, 5)
  ])
})

test('ids are listed as Google orders them, without the project that it names', async (t) => {
  const names = ['newest', 'A_b-0', 'oldest'].map(nameOf)
  const regional = 'projects/123456789012/locations/europe-west3/secrets/regional'
  const { list } = await open(t, [listed([...names, regional], 'more'), listed([])])
  t.strictSame(await list('', { limit: 9 }, within()), {
    paths: ['newest', 'A_b-0', 'oldest', 'regional'],
    cursor: 'more'
  })
  t.strictSame(await list('', { limit: 9, cursor: 'more' }, within()), { paths: [] })
})

test('a name that is none makes no part of a path', async (t) => {
  for (const name of ['', nameOf(''), nameOf('a b'), nameOf('..'), nameOf('a#b')]) {
    const { list } = await open(t, [listed([nameOf('good'), name])])
    t.equal((await faultOf(list('', { limit: 9 }, within()))).reason, 'invalid_answer', name)
  }
})

test('names are flat: below a prefix with a slash nothing stands, and nobody is asked', async (t) => {
  const { wire, list } = await open(t)
  for (const prefix of ['app/', '/', 'some-secret/', '../']) {
    t.strictSame(await list(prefix, { limit: 9 }, within()), { paths: [] })
  }
  t.equal(wire.reads.length, 0)
})

test('a cursor that Google does not know is an invalid request', async (t) => {
  const { list } = await open(t, [refusal(3, 'The page token is not valid.')])
  const forged = await faultOf(list('', { limit: 9, cursor: 'forged' }, within()))
  t.match({ ...forged }, { reason: 'invalid_request', code: 'cursor' })
  t.equal((await faultOf(list('', { limit: 9 }, within()))).reason, 'misconfigured')
})

test('its secrets can be asked to bear labels', async (t) => {
  t.equal(gcpSecretManager.tags, 'labels')
})
