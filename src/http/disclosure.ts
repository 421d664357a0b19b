/**
 * From what the broker discloses to what the caller reads: with `bot-answers.ts` the place of this floor where a value
 * is revealed. Rule: all fields of a secret go out as the JSON that is stored, since a number that is parsed and
 * printed again may have other digits.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../core/caller.ts'
import { PROBLEMS, type ProblemBody, ProblemError } from '../core/problem.ts'
import { formatReference } from '../core/reference.ts'
import { Sensitive } from '../core/secret.ts'
import type { Broker, Disclosure } from '../secrets/broker.ts'
import { lengthOf, type Selection } from '../secrets/content.ts'
import type { ListRequest } from '../secrets/listing.ts'
import type { Terms } from '../secrets/terms.ts'
import type { View, Written } from '../secrets/view.ts'
import { hasIt } from './conditional.ts'
import { JSON_TYPE } from './headers.ts'
import { LARGE, PIECE } from './ledger.ts'
import { problemBodyOf } from './problems.ts'
import { sendRaw, varyByAccept } from './representation.ts'

const headOf = ({ reference }: View): string =>
  `{"ref":${JSON.stringify(formatReference(reference))},`

const isoTime = (ms: number): string => new Date(ms).toISOString()

/** The members of an answer behind `ref`, and its end. */
const membersOf = ({ selection, version, reference, fetchedAt, expiresAt }: View): string => {
  const origin = `"version":${JSON.stringify(version)},"store":"${reference.store}","fetchedAt":"${isoTime(fetchedAt)}","expiresAt":"${isoTime(expiresAt)}"`
  if ('value' in selection) {
    const encoding = selection.encoding === undefined ? '' : `"encoding":"${selection.encoding}",`
    return `"value":${JSON.stringify(selection.value.reveal())},${encoding}${origin}}`
  }
  const { data, encodings } = selection
  const beside = encodings === undefined ? '' : `,"encodings":${JSON.stringify(encodings)}`
  return `${origin}${beside},"data":${data.reveal()}}`
}

/** Characters. Longer answers are written each time: kept, they would double what cached secrets take of the memory. */
const KEPT_MAX = 4 * 1024

/** The answer; a short one is written once for as long as the secret is cached. */
const writtenOf = (view: View): Written => {
  if (view.written !== undefined) return view.written
  const head = headOf(view)
  const text = head + membersOf(view)
  const written = { text: new Sensitive(text), from: head.length }
  if (text.length <= KEPT_MAX) view.written = written
  return written
}

const textOf = (view: View): string => writtenOf(view).text.reveal()

/** The secret, or 304 where the caller has it already: it was read, decided and put on record all the same. */
export const sendSecret = (
  request: FastifyRequest,
  reply: FastifyReply,
  { view, cache }: Disclosure,
  { raw, now }: { readonly raw: boolean; readonly now: number }
): FastifyReply => {
  const { selection, etag, fetchedAt } = view
  reply.header('x-cache', cache)
  reply.header('age', Math.max(0, Math.floor((now - fetchedAt) / 1000)))
  reply.header('etag', etag)
  varyByAccept(reply)
  if (hasIt(request.headers['if-none-match'], etag)) return reply.code(304).send()
  if (raw && 'value' in selection) {
    return sendRaw(reply, selection.value.reveal(), selection.encoding)
  }
  if (lengthOf(selection) < LARGE) return reply.sendShort(textOf(view))
  // Written only once there is room for it.
  return reply
    .type(JSON_TYPE)
    .serializer(() => textOf(view))
    .send({ selection })
}

/**
 * A part of an answer that has several: a secret, or why it is not given. `view` is a function, so that whoever
 * measures the answer before there is room for it counts the selection once.
 */
export type Result =
  | { readonly ref: string; readonly selection: Selection; readonly view: () => View }
  | { readonly ref: string; readonly status: number; readonly problem: ProblemBody }

export interface Results {
  readonly results: readonly Result[]
  readonly cursor?: string
}

const refused = (ref: string, problem: ProblemError, requestId: string): Result => ({
  ref,
  status: PROBLEMS[problem.code].status,
  problem: problemBodyOf(problem, requestId)
})

const toResult = (ref: string, read: Disclosure | ProblemError, requestId: string): Result => {
  if (read instanceof ProblemError) return refused(ref, read, requestId)
  const { view } = read
  return { ref, selection: view.selection, view: () => view }
}

/** The largest answer: a hundred of AWS's largest secrets fit. */
export const ANSWER_MAX = 8 * 1024 * 1024

/** Leaves out the values for which an answer has no room, and says so: their results are to be asked for apart. */
export const withinAnswer = (results: readonly Result[], requestId: string): Result[] => {
  let size = 0
  return results.map((result) => {
    size += 'selection' in result ? lengthOf(result.selection) : 0
    if (size <= ANSWER_MAX) return result
    const detail = 'the answer holds no more: ask for this secret apart'
    return refused(result.ref, new ProblemError('payload_too_large', { detail }), requestId)
  })
}

const writeResult = (result: Result): string => {
  if ('problem' in result) return JSON.stringify(result)
  const { text, from } = writtenOf(result.view())
  return `{"ref":${JSON.stringify(result.ref)},"status":200,${text.reveal().slice(from)}`
}

const writeResults = ({ results, cursor }: Results): string => {
  const next = cursor === undefined ? '' : `,"cursor":${JSON.stringify(cursor)}`
  return `{"results":[${results.map(writeResult).join(',')}]${next}}`
}

/** What all values of the answer have together, in characters. */
const lengthOfAll = ({ results }: Results): number => {
  let sum = 0
  for (const result of results) sum += 'selection' in result ? lengthOf(result.selection) : 0
  return sum
}

/** A long answer is written only once there is room for it. */
export const sendResults = (reply: FastifyReply, answer: Results): FastifyReply =>
  lengthOfAll(answer) < PIECE
    ? reply.sendShort(writeResults(answer))
    : reply.type(JSON_TYPE).serializer(writeResults).send(answer)

/** Reads all references for the caller; the results stand in the order asked. */
export const readBatch = async (
  broker: Broker,
  caller: Caller,
  refs: readonly string[],
  terms?: Terms
): Promise<Results> => {
  const reads = await broker.readSecrets(
    caller,
    refs.map((text) => ({ text })),
    terms
  )
  const { requestId } = caller
  const results = reads.map((read, i) => toResult(refs[i] ?? '', read, requestId))
  return { results: withinAnswer(results, requestId) }
}

const LIST_MAX = 100

/** A page of what stands below a prefix; the results are those of a batch. */
export const listBelow = async (
  broker: Broker,
  caller: Caller,
  { prefix, limit, cursor }: { prefix: string; limit?: string; cursor?: string },
  charge: ListRequest['charge'],
  terms?: Terms
): Promise<Results> => {
  const request = { prefix, limit: Number(limit ?? LIST_MAX), cursor, charge }
  const page = await broker.listSecrets(caller, request, terms)
  const { requestId } = caller
  const results = page.results.map(({ ref, result }) => toResult(ref, result, requestId))
  return {
    results: withinAnswer(results, requestId),
    ...(page.cursor !== undefined && { cursor: page.cursor })
  }
}
