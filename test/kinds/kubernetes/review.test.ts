/** What the API server says of our rights is asked by reviews alone, and its clock is that of its answers. */
import { test } from 'tap'
import { faultOf, within } from '../../contract/subject.ts'
import type { WireRequest } from '../../support/wire.ts'
import { json, openKubernetes } from './fake.ts'

type Asked = Readonly<Record<string, string>>

const askedIn = ({ body }: WireRequest): Asked => JSON.parse(body).spec.resourceAttributes

/** An API server at which a role allows what the function says. */
const reviewing = (allows: (asked: Asked) => boolean) => (request: WireRequest) =>
  json(201, {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    status: { allowed: allows(askedIn(request)) }
  })

const review = async (
  t: Parameters<typeof openKubernetes>[0],
  allows: (asked: Asked) => boolean,
  writes = false
) => {
  const opened = await openKubernetes(t, reviewing(allows))
  const rights = await opened.provider.review?.(
    { reads: ['apps/db', 'apps/api'], writes },
    within()
  )
  return { rights, requests: opened.wire.reads }
}

const isRead = ({ verb, name }: Asked): boolean => verb === 'get' && name !== undefined

test('a role that names its secrets is the least, and nothing but reviews was sent', async (t) => {
  const { rights, requests } = await review(t, isRead)
  t.strictSame(rights, { lacking: [], excess: [] })
  t.ok(requests.length > 8)
  for (const { method, url } of requests) {
    t.equal(`${method} ${url}`, 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
  }
})

test('a secret that the role does not name is lacking', async (t) => {
  const { rights } = await review(t, (asked) => isRead(asked) && asked['name'] === 'db')
  t.strictSame(rights, { lacking: ['get apps/api'], excess: [] })
})

test('whatever else the role allows is told', async (t) => {
  const { rights } = await review(t, () => true)
  t.strictSame(rights?.lacking, [])
  t.match(rights?.excess, [
    'list secrets in apps',
    'watch secrets in apps',
    'create secrets in apps',
    'update secrets in apps',
    'delete secrets in apps',
    'patch secrets in apps'
  ])
  t.strictSame(rights?.excess.slice(-2), [
    'get secrets in every namespace',
    'do everything in the cluster'
  ])
})

test('who is to write may patch', async (t) => {
  const { rights } = await review(
    t,
    ({ verb, ...asked }) => verb === 'patch' || isRead({ ...asked, verb: verb ?? '' }),
    true
  )
  t.strictSame(rights, { lacking: [], excess: [] })
})

test('an answer that is no review is a fault', async (t) => {
  const { provider } = await openKubernetes(t, () => json(201, { kind: 'Other' }))
  const { review: ask } = provider
  if (ask === undefined) throw new Error('a power is missing')
  const fault = await faultOf(ask({ reads: [], writes: false }, within()))
  t.equal(fault.reason, 'invalid_answer')
})

test('the clock is that of an answer, whatever the answer is', async (t) => {
  const date = 'Mon, 30 Nov 2026 12:00:00 GMT'
  const { provider } = await openKubernetes(t, () => ({ status: 403, headers: { date }, body: '' }))
  t.equal(await provider.clock?.(within()), Date.parse(date))
})
