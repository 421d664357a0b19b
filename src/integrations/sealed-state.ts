/**
 * Parameters that go through somebody else's hands and come back (the state of a redirect login): sealed for a few
 * minutes, opened once, by the client that sealed them. Rule: whatever is refused is refused in one way; only the
 * record says why.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { fitting } from '../core/fits.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import { openJwe, sealJwe } from '../crypto/jwe.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isSameBytes } from '../crypto/same.ts'
import type { UsedStates } from './used-states.ts'

/** Seconds; also the default. */
export const STATE_TTL_MAX = 600
const DATA_MAX_BYTES = 4096

const Claims = Type.Object(
  {
    jti: Type.String({ minLength: 36, maxLength: 36 }),
    cli: Type.String(),
    env: Type.String(),
    exp: Type.Integer({ minimum: 0 }),
    /** Digest of the binding; of the empty text where there is none. */
    bnd: Type.String(),
    data: Type.Unknown(),
    kid: Type.String()
  },
  { additionalProperties: false }
)
type Claims = Static<typeof Claims>
const claimsShape = fitting(Claims)

export interface SealedStateOptions extends RecorderOptions {
  readonly keyring: () => Keyring
  readonly used: UsedStates
  /** Told of each state before it leaves: under which encryption key, and until when it lives (seconds). */
  readonly noteSealed?: (kid: string, expiresAt: number) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface SealedState {
  /** Rejects with a ProblemError. */
  readonly seal: (
    caller: Caller,
    wanted: {
      /** Any JSON. */
      readonly data: unknown
      readonly ttlSeconds?: number | undefined
      /** What the browser that comes back has to show, e.g. a nonce in a cookie. */
      readonly binding?: string | undefined
    }
  ) => Promise<{ readonly state: string; readonly expiresAt: number }>
  /** Resolves with the data. Rejects with a ProblemError. */
  readonly open: (
    caller: Caller,
    given: { readonly state: string; readonly binding?: string | undefined }
  ) => Promise<unknown>
}

// No binding at all is another one than the empty text.
const digest = (binding: string | undefined): Buffer =>
  createHash('sha256')
    .update(binding === undefined ? 'none' : `binding:${binding}`)
    .digest()

const notAccepted = (reason: Reason): ProblemError =>
  new ProblemError('invalid_request', { detail: 'the state is not accepted' }, reason)

export const createSealedState = (options: SealedStateOptions): SealedState => {
  const { keyring, used, noteSealed = async () => {}, environment, log, now } = options
  const recorder = createRecorder(options)

  const requireOurs = (claims: Claims, { client }: Caller, binding: string | undefined): void => {
    if (claims.env !== environment) throw notAccepted('environment')
    if (claims.cli !== client) throw notAccepted('other_client')
    if (!isSameBytes(Buffer.from(claims.bnd, 'base64url'), digest(binding))) {
      throw notAccepted('other_binding')
    }
    if (claims.exp * 1000 <= now()) throw notAccepted('expired')
  }

  const take = async ({ jti, exp }: Claims): Promise<void> => {
    const isFirst = await used.take(jti, exp).catch(() => {
      log('error', 'that a state was opened could not be written down')
      throw new ProblemError('overloaded')
    })
    if (!isFirst) throw notAccepted('used')
  }

  return {
    seal: async (caller, { data, ttlSeconds = STATE_TTL_MAX, binding }) => {
      try {
        if (Buffer.byteLength(JSON.stringify(data)) > DATA_MAX_BYTES) {
          throw new ProblemError('payload_too_large', {
            detail: `data has at most ${DATA_MAX_BYTES} bytes of JSON`
          })
        }
        const exp = Math.floor(now() / 1000) + ttlSeconds
        const ring = keyring()
        await noteSealed(ring.active.kid, exp)
        const state = await sealJwe(ring, 'state', {
          jti: randomUUID(),
          cli: caller.client,
          env: environment,
          exp,
          bnd: digest(binding).toString('base64url'),
          data
        })
        await recorder.allowed(caller, 'state.seal', undefined)
        return { state, expiresAt: exp * 1000 }
      } catch (error) {
        throw await recorder.failed(caller, 'state.seal', undefined, error)
      }
    },

    open: async (caller, { state, binding }) => {
      let claims: unknown
      try {
        claims = await openJwe(keyring(), 'state', state)
        if (!claimsShape(claims)) throw notAccepted('unreadable')
        requireOurs(claims, caller, binding)
        await take(claims)
      } catch (error) {
        throw await recorder.failed(caller, 'state.open', undefined, error)
      }
      await recorder.allowed(caller, 'state.open', undefined)
      return claims.data
    }
  }
}
