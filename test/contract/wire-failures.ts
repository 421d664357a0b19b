/** Every way we know in which a read over HTTP fails, and the one reason that its fault has to give: data, for `wireSuite`. */
import type { FaultReason } from '../../src/core/fault.ts'
import type { WireBehaviour } from '../support/wire.ts'

/** A way in which a read fails: what the wire does, and what the fault has to say. */
export interface Failure {
  readonly when: string
  /** `canary` for what the peer may say anywhere, `text` for a secret that holds it. */
  readonly behaviour: (canary: string, text: string) => WireBehaviour
  readonly reason: FaultReason
  readonly retryAfterSeconds?: number
}

const html = (canary: string): string => `<html><body><h1>Oops</h1>${canary}</body></html>`

export const FAILURES: readonly Failure[] = [
  {
    when: 'the peer has no such secret',
    behaviour: (canary) => ({ read: 'not found', message: canary }),
    reason: 'not_found'
  },
  {
    when: 'the peer denies it',
    behaviour: (canary) => ({ read: 'denied', message: canary }),
    reason: 'denied'
  },
  {
    when: 'the peer throttles without saying for how long',
    behaviour: (canary) => ({ read: 'throttled', message: canary }),
    reason: 'throttled'
  },
  {
    when: 'the peer throttles and says for how long',
    behaviour: (canary) => ({ read: 'throttled', message: canary, retryAfter: '7' }),
    reason: 'throttled',
    retryAfterSeconds: 7
  },
  {
    when: 'the peer answers 500 in JSON',
    behaviour: (canary) => ({
      read: 'status',
      status: 500,
      type: 'application/json',
      body: JSON.stringify({ errors: [canary], message: canary })
    }),
    reason: 'unavailable'
  },
  {
    when: 'a proxy answers 502 in HTML',
    behaviour: (canary) => ({ read: 'status', status: 502, type: 'text/html', body: html(canary) }),
    reason: 'unavailable'
  },
  {
    when: 'a proxy answers 404 in HTML, which is not the word of the peer',
    behaviour: (canary) => ({ read: 'status', status: 404, type: 'text/html', body: html(canary) }),
    reason: 'unavailable'
  },
  {
    when: 'a portal answers 200 in HTML',
    behaviour: (canary) => ({ read: 'status', status: 200, type: 'text/html', body: html(canary) }),
    reason: 'invalid_answer'
  },
  {
    when: 'the answer is JSON of another shape',
    behaviour: (canary) => ({
      read: 'status',
      status: 200,
      type: 'application/json',
      body: JSON.stringify({ surprise: canary })
    }),
    reason: 'invalid_answer'
  },
  {
    when: 'the JSON of a 200 ends in the middle',
    behaviour: (_, text) => ({ read: 'cut', text }),
    reason: 'invalid_answer'
  },
  {
    when: 'the connection breaks off in the middle of a 200',
    behaviour: (_, text) => ({ read: 'broken off', text }),
    reason: 'unavailable'
  },
  {
    when: 'the peer goes silent in the middle of a 200',
    behaviour: (_, text) => ({ read: 'stalled', text }),
    reason: 'timeout'
  },
  { when: 'the peer never answers', behaviour: () => ({ read: 'silent' }), reason: 'timeout' },
  {
    when: 'the login is never answered',
    behaviour: () => ({ read: 'silent login' }),
    reason: 'timeout'
  },
  {
    when: 'the connection is reset',
    behaviour: () => ({ read: 'reset' }),
    reason: 'unavailable'
  },
  {
    when: 'the connection is refused',
    behaviour: () => ({ read: 'refused' }),
    reason: 'unavailable'
  },
  {
    when: "the peer's certificate is of an unknown authority",
    behaviour: () => ({ read: 'unknown CA' }),
    reason: 'misconfigured'
  },
  {
    when: 'another host answers at the address of the peer, with its own certificate',
    behaviour: () => ({ read: 'other name' }),
    reason: 'misconfigured'
  },
  {
    when: "the peer's certificate has expired",
    behaviour: () => ({ read: 'expired certificate' }),
    reason: 'misconfigured'
  },
  {
    when: 'the answer has no end',
    behaviour: (_, text) => ({ read: 'endless', text }),
    reason: 'invalid_answer'
  },
  {
    when: 'the answer is packed, and enormous once it is unpacked',
    behaviour: (_, text) => ({ read: 'packed', text }),
    reason: 'invalid_answer'
  },
  {
    when: 'the peer sends it to another host',
    behaviour: () => ({ read: 'redirect' }),
    reason: 'unavailable'
  },
  {
    when: 'the credential stays expired after a new login',
    behaviour: (canary) => ({ read: 'expired', text: canary }),
    reason: 'denied'
  }
]
