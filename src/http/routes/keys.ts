/**
 * The care of keys, for administrators: issue, see, revoke. Rule: a key's text stands in one answer, once, after its issue
 * is on record; it is no stored secret, so mode w issues it, and never one that may do more than its issuer.
 */
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import { type IssuedKey, issueApiKey } from '../../keys/api-key.ts'
import { delegate, type IssueRules } from '../../keys/delegation.ts'
import { reportEncryptionKeys } from '../../keys/encryption-key-report.ts'
import type { Revocation } from '../../keys/revocations.ts'
import type { KeyUsage, KeyUse } from '../../keys/usage.ts'
import type { RecordDecision } from '../caller.ts'
import { toClaims } from '../disclosure.ts'
import { toProblemError } from '../problems.ts'
import type { App } from '../route-auth.ts'
import {
  EncryptionKeysAnswer,
  EncryptionKeysQuery,
  IssueAnswer,
  IssueBody,
  KeyParams,
  KeysAnswer,
  KeysQuery,
  RevokeAnswer
} from '../schemas-keys.ts'

export interface KeyRoutesOptions {
  readonly keyring: () => Keyring
  readonly usage: Pick<KeyUsage, 'list' | 'isKnown'>
  readonly isRevoked: (keyId: string) => boolean
  readonly revoke: (keyId: string) => Promise<Revocation>
  readonly rules: IssueRules
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly recordIssue: RecordDecision
  readonly recordRevocation: RecordDecision
}

const config = { auth: { kind: 'admin' } } as const

const HOUR_MS = 3_600_000

const issuerOf = ({ principal }: FastifyRequest): Principal => {
  if (principal === null) throw new ProblemError('authentication_required')
  return principal
}

export const addKeyRoutes = (app: App, options: KeyRoutesOptions): void => {
  const { keyring, usage, isRevoked, revoke, rules, now, recordIssue, recordRevocation } = options

  const issue = async (
    issuer: Principal,
    asked: Parameters<typeof delegate>[1]
  ): Promise<IssuedKey> => {
    const wanted = delegate(issuer, asked, rules)
    const { keyId } = wanted
    if (keyId !== undefined && (isRevoked(keyId) || (await usage.isKnown(keyId)))) {
      throw new ProblemError('conflict', { detail: 'a key of this id was seen or revoked before' })
    }
    // What remains wrong is what the schema cannot say: the version, or a key that would be too long.
    return issueApiKey(keyring(), wanted, now()).catch(() => {
      throw new ProblemError('invalid_request', { detail: 'no key may hold these claims' })
    })
  }

  app.post(
    '/v1/admin/keys',
    {
      config,
      schema: {
        operationId: 'issueKey',
        summary: "Issue an API key, never for more than the issuer's own scopes and mode",
        body: IssueBody,
        response: { 201: IssueAnswer }
      }
    },
    async (request, reply) => {
      let issued: IssuedKey
      try {
        issued = await issue(issuerOf(request), request.body)
      } catch (error) {
        await recordIssue(request, { problem: toProblemError(error) })
        throw error
      }
      const { apiKey, principal } = issued
      await recordIssue(request, { reason: principal.keyId })
      reply.code(201)
      return { key: apiKey, ...toClaims(principal) }
    }
  )

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
        keys.push({ ...use, revoked: isRevoked(use.keyId) })
      }
      return { keys }
    }
  )

  app.delete(
    '/v1/admin/keys/:id',
    {
      config,
      schema: {
        operationId: 'revokeKey',
        summary: 'Refuse an API key from the next request on, everywhere',
        params: KeyParams,
        response: { 200: RevokeAnswer }
      }
    },
    async (request) => {
      const { id: keyId } = request.params
      // Before the record: where that fails, the key is refused all the same and the caller asks again.
      const { isNew, isDurable } = await revoke(keyId)
      await recordRevocation(request, { reason: keyId })
      return { keyId, isNew, ...(!isDurable && { pending: true }) }
    }
  )

  app.get(
    '/v1/admin/encryption-keys',
    {
      config,
      schema: {
        operationId: 'reportEncryptionKeys',
        summary: 'Which clients still use API keys under which encryption key',
        querystring: EncryptionKeysQuery,
        response: { 200: EncryptionKeysAnswer }
      }
    },
    async ({ query }) => ({
      encryptionKeys: await reportEncryptionKeys({
        keyring: keyring(),
        uses: usage.list(),
        isRevoked,
        now: now(),
        quietMs: Number(query.quietHours ?? 24) * HOUR_MS
      })
    })
  )
}
