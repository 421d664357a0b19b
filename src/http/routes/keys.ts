/**
 * The care of keys, for administrators: issue, see, revoke. Rule: a key's text stands in one answer, once, after its
 * issue is on record; it is no stored secret, so mode w issues it, and never one that may do more than its issuer or a
 * delegation.
 */
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import type { SealedCounts } from '../../integrations/sealed-count.ts'
import { reportSealed } from '../../integrations/sealed-report.ts'
import type { KeyCare } from '../../keys/care.ts'
import { toClaims } from '../../keys/claims.ts'
import { reportEncryptionKeys } from '../../keys/encryption-key-report.ts'
import { isKeyRevoked } from '../../keys/revocations.ts'
import type { KeyUsage, KeyUse } from '../../keys/usage.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import {
  EncryptionKeysAnswer,
  EncryptionKeysQuery,
  IssueAnswer,
  IssueBody,
  KeyParams,
  KeysAnswer,
  KeysQuery,
  RevokeAnswer,
  RevokeQuery,
  TrustParams,
  TrustRevokedAnswer
} from './keys-schemas.ts'

export interface KeyRoutesOptions {
  readonly keyring: () => Keyring
  readonly usage: Pick<KeyUsage, 'list'>
  readonly care: Pick<KeyCare, 'issue' | 'revoke' | 'revokeOfTrust'>
  /**
   * What is sealed under each encryption key, and until when sealed states may come back. Rejects where it cannot be
   * counted.
   */
  readonly countSealed: () => Promise<{
    readonly byKey: ReadonlyMap<string, SealedCounts>
    readonly stateEnds: ReadonlyMap<string, number>
  }>
  readonly isRevoked: (keyId: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const config = { auth: { kind: 'admin' } } as const

const HOUR_MS = 3_600_000

const issuerOf = ({ principal }: FastifyRequest): Principal => {
  if (principal === null) throw new ProblemError('authentication_required')
  return principal
}

const addIssue = (app: TypedFastify, { care }: KeyRoutesOptions): void => {
  app.post(
    '/v1/admin/keys',
    {
      config,
      schema: {
        operationId: 'issueKey',
        summary:
          "Issue an API key, never for more than the issuer's own scopes and mode or a delegation of its client, and never for longer than the issuer lives",
        body: IssueBody,
        response: { 201: IssueAnswer }
      }
    },
    async (request, reply) => {
      const issuer = issuerOf(request)
      const { apiKey, principal } = await care.issue(callerOf(request), issuer, request.body)
      reply.code(201)
      const endsWithIssuer =
        issuer.expiresAt !== undefined && issuer.expiresAt === principal.expiresAt
      return {
        apiKey,
        key: apiKey,
        ...toClaims(principal),
        ...(endsWithIssuer && { endsWithIssuer })
      }
    }
  )
}

const addList = (app: TypedFastify, { usage, isRevoked }: KeyRoutesOptions): void => {
  app.get(
    '/v1/admin/keys',
    {
      config,
      schema: {
        operationId: 'listKeys',
        summary: 'The API keys that were used here, each with its last use, a page at a time',
        querystring: KeysQuery,
        response: { 200: KeysAnswer }
      }
    },
    async ({ query }) => {
      const limit = Number(query.limit ?? 100)
      const keys: (KeyUse & { revoked: boolean })[] = []
      for await (const use of usage.list(query.cursor)) {
        if (keys.length === limit) return { keys, cursor: keys.at(-1)?.keyId ?? '' }
        keys.push({ ...use, revoked: isKeyRevoked(isRevoked, use) })
      }
      return { keys }
    }
  )
}

const addRevoke = (app: TypedFastify, { care }: KeyRoutesOptions): void => {
  app.delete(
    '/v1/admin/keys/:id',
    {
      config,
      schema: {
        operationId: 'revokeKey',
        summary: 'Refuse an API key from the next request on, everywhere',
        params: KeyParams,
        querystring: RevokeQuery,
        response: { 200: RevokeAnswer }
      }
    },
    async (request) => {
      const { id: keyId } = request.params
      const revoked = await care.revoke(callerOf(request), keyId, request.query.issued === 'true')
      const issued = revoked.issued && [...revoked.issued]
      return {
        keyId,
        isNew: revoked.isNew,
        ...(issued && { issued }),
        ...(!revoked.isDurable && { pending: true })
      }
    }
  )
}

const addRevokeOfTrust = (app: TypedFastify, { care }: KeyRoutesOptions): void => {
  app.delete(
    '/v1/admin/trusts/:name/keys',
    {
      config,
      schema: {
        operationId: 'revokeKeysOfTrust',
        summary:
          'Refuse all API keys that logins of a trust have given until now; who logs in later gets others, for as long as `trusts:` has it',
        params: TrustParams,
        response: { 200: TrustRevokedAnswer }
      }
    },
    async (request) => {
      const { name: trust } = request.params
      const { issued, isDurable } = await care.revokeOfTrust(callerOf(request), trust)
      return { trust, issued: [...issued], ...(!isDurable && { pending: true }) }
    }
  )
}

const addReport = (app: TypedFastify, options: KeyRoutesOptions): void => {
  const { keyring, usage, countSealed, isRevoked, now } = options
  app.get(
    '/v1/admin/encryption-keys',
    {
      config,
      schema: {
        operationId: 'reportEncryptionKeys',
        summary:
          'Which clients still use API keys under which encryption key, what else is sealed under it, and whether it may go',
        querystring: EncryptionKeysQuery,
        response: { 200: EncryptionKeysAnswer }
      }
    },
    async ({ query }) => {
      const request = {
        keyring: keyring(),
        uses: usage.list(),
        isRevoked,
        now: now(),
        quietMs: Number(query.quietHours ?? 24) * HOUR_MS
      }
      try {
        const reports = await reportEncryptionKeys(request)
        // After the uses, which are written when they are asked for.
        const { byKey, stateEnds } = await countSealed()
        return reportSealed(reports, byKey, stateEnds)
      } catch {
        throw new ProblemError('store_unavailable', {
          detail: 'what is kept cannot be counted now: no key may go on the strength of that'
        })
      }
    }
  )
}

export const addKeyRoutes = (app: TypedFastify, options: KeyRoutesOptions): void => {
  for (const add of [addIssue, addList, addRevoke, addRevokeOfTrust, addReport]) add(app, options)
}
