/** What an API server is asked about a token, and which of its answers is a yes. */
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createTokenReview } from '../../../src/keys/token-review.ts'

const SUBJECT = 'system:serviceaccount:shop:app'
const CLAIMS = { 'kubernetes.io': { serviceaccount: { uid: 'uid-1' } } }
const YES = {
  authenticated: true,
  audiences: ['purser', 'other'],
  user: { username: SUBJECT, uid: 'uid-1' }
}

const setUp = (t: Test) => {
  const tokenFile = join(t.testdir({ token: 'own-token\n' }), 'token')
  const asked: unknown[] = []
  const behaviour: { status: number; body: unknown } = { status: 201, body: { status: YES } }
  const review = createTokenReview({
    fetchOf:
      ({ caFile }) =>
      async (url, init) => {
        const headers = new Headers(init?.headers)
        const sent = JSON.parse(String(init?.body))
        const type = headers.get('content-type')
        asked.push([String(url), init?.method, headers.get('authorization'), type, caFile, sent])
        const { status, body } = behaviour
        return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
      }
  })
  const outcome = async (server = true): Promise<string> => {
    const api = { url: 'https://api.example', tokenFile, caFile: '/ca.crt' }
    const trust = { name: 'cluster', audience: 'purser', ...(server && { review: api }) }
    const verified = { subject: SUBJECT, claims: CLAIMS } as never
    try {
      return String(await review(trust, 'the-token', verified))
    } catch (error) {
      return String((error as { reason?: string }).reason)
    }
  }
  return { asked, behaviour, outcome }
}

test('an API server is asked about the token for our audience, with a token of our own', async (t) => {
  const { asked, behaviour, outcome } = setUp(t)
  for (const status of [200, 201]) {
    behaviour.status = status
    t.equal(await outcome(), 'true')
  }
  t.strictSame(asked[0], [
    'https://api.example/apis/authentication.k8s.io/v1/tokenreviews',
    'POST',
    'Bearer own-token',
    'application/json',
    '/ca.crt',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: 'the-token', audiences: ['purser'] }
    }
  ])
})

test('where no API server is to be asked, none is', async (t) => {
  const { asked, outcome } = setUp(t)
  t.equal(await outcome(false), 'true')
  t.strictSame(asked, [])
})

test('only a plain yes for our audience and the account of the token counts', async (t) => {
  const { behaviour, outcome } = setUp(t)
  for (const change of [
    { authenticated: false },
    { authenticated: undefined },
    { audiences: undefined },
    { audiences: [] },
    { audiences: ['other'] },
    { user: undefined },
    { user: { username: SUBJECT } },
    { user: { uid: 'uid-1' } },
    { user: { username: 'system:serviceaccount:shop:other', uid: 'uid-1' } },
    { user: { username: SUBJECT, uid: 'uid-2' } }
  ]) {
    behaviour.body = { status: { ...YES, ...change } }
    t.equal(await outcome(), 'false', JSON.stringify(change))
  }
})

test('an answer that is none is told from a no', async (t) => {
  const { behaviour, outcome } = setUp(t)
  for (const body of [
    '',
    '{',
    {},
    { status: 'yes' },
    { status: { authenticated: 'true' } },
    { status: { ...YES, audiences: 'purser' } },
    { status: { ...YES, audiences: [7] } },
    { status: { ...YES, user: SUBJECT } },
    { status: { ...YES, user: { username: 7, uid: 'uid-1' } } },
    { status: { ...YES, user: { username: SUBJECT, uid: 7 } } }
  ]) {
    behaviour.body = body
    t.equal(await outcome(), 'invalid_answer', JSON.stringify(body))
  }
  behaviour.body = { status: YES }
  for (const status of [202, 401, 403, 500]) {
    behaviour.status = status
    t.equal(await outcome(), 'unavailable')
  }
})
