// What Google says of our rights: asked of the secrets that rules name, by the call that tries nothing.
import { type Test, test } from 'tap'
import type { Wanted } from '../../../src/kinds/provider.ts'
import { within } from '../../contract/subject.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { openWire } from '../../support/wire.ts'
import { calledIn, connectGcp, gcpDialect, granted, PROJECT, permissionsIn } from './fake.ts'

const reviewOf = async (t: Test, rights: readonly string[], wanted: Wanted) => {
  const found: typeof gcpDialect.found = (_, request) =>
    granted(permissionsIn(request).filter((one) => rights.includes(one)))
  const wire = await openWire(t, { ...gcpDialect, found }, { read: 'found', text: 'x' })
  const { review, close } = await connectGcp(t, wire, createDeps())
  t.teardown(close)
  return { found: await review?.(wanted, within()), wire }
}

const ACCESS = 'secretmanager.versions.access'
const ADD = 'secretmanager.versions.add'
const DELETE = 'secretmanager.secrets.delete'

test('a right to read that a rule needs is lacking where Google does not grant it', async (t) => {
  const { found, wire } = await reviewOf(t, [], { reads: ['app', 'db'], writes: false })
  t.strictSame(found, { lacking: ['read app', 'read db'], excess: [] })
  t.strictSame(
    wire.reads.map(calledIn),
    ['app', 'db'].map((id) => ['TestIamPermissions', `projects/${PROJECT}/secrets/${id}`])
  )
  t.equal(
    wire.reads[0]?.headers['x-goog-request-params'],
    `resource=${encodeURIComponent(`projects/${PROJECT}/secrets/app`)}`
  )
})

test('the least rights are neither too few nor too many, with writing where a rule writes', async (t) => {
  const least = { lacking: [], excess: [] }
  const reads = ['app']
  t.strictSame((await reviewOf(t, [ACCESS], { reads, writes: false })).found, least)
  t.strictSame((await reviewOf(t, [ACCESS, ADD], { reads, writes: true })).found, least)
})

test('what Google grants beyond that is named', async (t) => {
  const { found } = await reviewOf(t, [ACCESS, ADD, DELETE], { reads: ['app'], writes: false })
  t.strictSame(found, { lacking: [], excess: ['delete app', 'write app'] })
})

test('where rules name no secret whole, Google is not asked', async (t) => {
  const { found, wire } = await reviewOf(t, [ACCESS], { reads: [], writes: false })
  t.equal(found, undefined)
  t.strictSame(wire.reads, [])
})
