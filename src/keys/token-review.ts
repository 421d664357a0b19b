/**
 * Asks an API server whether it takes a token still, which a signature does not tell: that of a deleted pod or account. Rule:
 * only its plain yes for our audience and for the account of the token counts, and the token was verified before.
 */
import { Type } from 'typebox'
import { ProviderFault } from '../core/fault.ts'
import { wordOfFile } from '../core/file-text.ts'
import { fits } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import type { VerifiedToken } from '../crypto/workload-token.ts'
import { readFileBytes } from '../files/read.ts'
import type { PeerReach } from './issuer-fetch.ts'
import { createBoundedFetch } from './oidc-fetch.ts'
import { claimAt, type Trust } from './trust.ts'

export interface TokenReviewOptions {
  readonly fetchOf: (reach: PeerReach) => typeof globalThis.fetch
}

const Answer = Type.Object({
  status: Type.Object({
    authenticated: Type.Optional(Type.Boolean()),
    audiences: Type.Optional(Type.Array(Type.String())),
    user: Type.Optional(
      Type.Object({ username: Type.Optional(Type.String()), uid: Type.Optional(Type.String()) })
    )
  })
})

/** Rejects where the API server does not answer, or does not let us ask. */
export type TokenReview = (
  trust: Pick<Trust, 'name' | 'audience' | 'review' | 'proxy'>,
  token: string,
  verified: VerifiedToken
) => Promise<boolean>

export const createTokenReview =
  ({ fetchOf }: TokenReviewOptions): TokenReview =>
  async ({ audience, review, proxy }, token, { subject, claims }) => {
    if (review === undefined) return true
    const { url, tokenFile, caFile } = review
    const own = wordOfFile(await readFileBytes(tokenFile))
    const send = createBoundedFetch(fetchOf({ caFile, proxy }))
    const response = await send(`${url}/apis/authentication.k8s.io/v1/tokenreviews`, {
      method: 'POST',
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] }
      })
    })
    const { status } = response
    if (status !== 200 && status !== 201) throw new ProviderFault('unavailable', { status })
    const answer = asJson(await response.text())
    if (!fits(Answer, answer)) throw new ProviderFault('invalid_answer')
    const { authenticated, audiences = [], user = {} } = answer.status
    // One that does not know audiences names none.
    return (
      authenticated === true &&
      audiences.includes(audience) &&
      user.username === subject &&
      user.uid === claimAt(claims, ['kubernetes.io', 'serviceaccount', 'uid'])
    )
  }
