/** What of an API server's answer is a yes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createTokenReview } from '../../../src/keys/token-review.ts'
import { createDirectory } from '../../support/embedded.ts'
import { accountClaims } from '../../support/workload-issuer.ts'

const claims = accountClaims('https://oidc.example', 0)
const VERIFIED = { subject: claims.sub, expiresAt: 1, tokenId: undefined, claims }
const USER = { username: claims.sub, uid: claims['kubernetes.io'].serviceaccount.uid }
const YES = { authenticated: true, audiences: ['purser'], user: USER }

const setUp = (t: Test, answer: () => Response) => {
  const tokenFile = join(createDirectory(t), 'token')
  writeFileSync(tokenFile, 'of purser\n')
  const asked: { url: string; init: RequestInit | undefined }[] = []
  const review = createTokenReview({
    fetchOf: () => async (input, init) => {
      asked.push({ url: String(input), init })
      return answer()
    }
  })
  const trust = {
    name: 'prod-cluster',
    audience: 'purser',
    review: { url: 'https://10.0.0.1', tokenFile }
  }
  return { asked, ask: () => review(trust, 'of a pod', VERIFIED) }
}

test('it is asked for our audience with our own token, and its yes counts', async (t) => {
  const { asked, ask } = setUp(t, () => Response.json({ status: YES }, { status: 201 }))
  t.equal(await ask(), true)
  const [one] = asked
  t.equal(one?.url, 'https://10.0.0.1/apis/authentication.k8s.io/v1/tokenreviews')
  t.equal(new Headers(one?.init?.headers).get('authorization'), 'Bearer of purser')
  t.match(JSON.parse(String(one?.init?.body)), {
    kind: 'TokenReview',
    spec: { token: 'of a pod', audiences: ['purser'] }
  })
})

test('a no, another audience, account or uid is none, nor is an answer that leaves it open', async (t) => {
  for (const status of [
    { ...YES, authenticated: false },
    { ...YES, authenticated: undefined },
    { ...YES, audiences: undefined },
    { ...YES, audiences: ['api'] },
    { ...YES, user: undefined },
    { ...YES, user: { ...USER, username: 'system:serviceaccount:shop:eve' } },
    { ...YES, user: { ...USER, uid: 'another' } }
  ]) {
    const { ask } = setUp(t, () => Response.json({ status }, { status: 201 }))
    t.equal(await ask(), false, JSON.stringify(status))
  }
})

test('where it does not let us ask, or says something else, there is no telling', async (t) => {
  for (const answer of [
    () => Response.json({ status: YES }, { status: 403 }),
    () => Response.json({ kind: 'Status', status: 'Failure' }, { status: 201 }),
    () => new Response('yes', { status: 201 })
  ]) {
    await t.rejects(setUp(t, answer).ask(), { name: 'ProviderFault' })
  }
})
