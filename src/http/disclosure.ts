/** From what the broker discloses to what the caller reads: with `json-answer.ts` the place of this floor where a value is revealed. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../core/caller.ts'
import { PROBLEMS, ProblemError } from '../core/problem.ts'
import { formatReference } from '../core/reference.ts'
import type { Broker, Disclosure } from '../secrets/broker.ts'
import type { Terms } from '../secrets/caller.ts'
import type { ListRequest } from '../secrets/listing.ts'
import { withinAnswer } from './answer-budget.ts'
import { hasIt } from './conditional.ts'
import { withData } from './json-answer.ts'
import { problemBodyOf } from './problems.ts'
import { sendRaw, varyByAccept } from './representation.ts'
import type { BatchResult, SecretAnswer } from './schemas.ts'

// Written once for all reads of a cached secret: a date costs as much as the decision.
const isoTimes = new LRUCache<number, string>({
  max: 10_000,
  memoMethod: (ms) => new Date(ms).toISOString()
})
const isoTime = (ms: number): string => isoTimes.memo(ms)

// Member by member: an object that is spread into another costs as much as the decision.
const answerOf = (ref: string, disclosure: Disclosure): SecretAnswer => {
  const { selection, version, reference, fetchedAt, expiresAt } = disclosure
  const answer: SecretAnswer = {
    ref,
    version,
    store: reference.store,
    fetchedAt: isoTime(fetchedAt),
    expiresAt: isoTime(expiresAt)
  }
  if ('value' in selection) {
    answer.value = selection.value.reveal()
    if (selection.encoding !== undefined) answer.encoding = selection.encoding
  } else {
    answer.data = selection.data
    if (selection.encodings !== undefined) answer.encodings = selection.encodings
  }
  return answer
}

/** The secret, or 304 where the caller has it already: it was read, decided and put on record all the same. */
export const sendSecret = (
  request: FastifyRequest,
  reply: FastifyReply,
  disclosure: Disclosure,
  { raw, now }: { readonly raw: boolean; readonly now: number }
): SecretAnswer | FastifyReply => {
  const age = Math.max(0, Math.floor((now - disclosure.fetchedAt) / 1000))
  reply.header('x-cache', disclosure.cache)
  reply.header('age', age)
  reply.header('etag', disclosure.etag)
  varyByAccept(reply)
  if (hasIt(request.headers['if-none-match'], disclosure.etag)) return reply.code(304).send()
  const { selection } = disclosure
  if (raw && 'value' in selection) {
    return sendRaw(reply, selection.value.reveal(), selection.encoding)
  }
  return withData(reply, answerOf(formatReference(disclosure.reference), disclosure))
}

const toResult = (
  ref: string,
  result: Disclosure | ProblemError,
  requestId: string
): BatchResult =>
  result instanceof ProblemError
    ? { ref, status: PROBLEMS[result.code].status, problem: problemBodyOf(result, requestId) }
    : { status: 200, ...answerOf(ref, result) }

/** Reads all references for the caller; the results stand in the order asked. */
export const readBatch = async (
  broker: Broker,
  caller: Caller,
  refs: readonly string[],
  terms?: Terms
): Promise<{ results: BatchResult[] }> => {
  const results = await broker.readSecrets(
    caller,
    refs.map((text) => ({ text })),
    terms
  )
  const { requestId } = caller
  const all = results.map((result, i) => toResult(refs[i] ?? '', result, requestId))
  return { results: withinAnswer(all, requestId) }
}

const LIST_MAX = 100

/** A page of what stands below a prefix; the results are those of a batch. */
export const listBelow = async (
  broker: Broker,
  caller: Caller,
  { prefix, limit, cursor }: { prefix: string; limit?: string; cursor?: string },
  charge: ListRequest['charge'],
  terms?: Terms
): Promise<{ results: BatchResult[]; cursor?: string }> => {
  const request = { prefix, limit: Number(limit ?? LIST_MAX), cursor, charge }
  const page = await broker.listSecrets(caller, request, terms)
  const { requestId } = caller
  const all = page.results.map(({ ref, result }) => toResult(ref, result, requestId))
  return {
    results: withinAnswer(all, requestId),
    ...(page.cursor !== undefined && { cursor: page.cursor })
  }
}
