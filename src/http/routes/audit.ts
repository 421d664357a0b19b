/**
 * Who did what, and when, for administrators: pages and streams of the audit trail. Rule: a question takes one block of
 * a file a turn of the event loop, and a stream is read no further than its reader takes it.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { AnswerEnd, GoOn, Queries, Question } from '../../audit/queries.ts'
import type { AskedSecret, RecordFilter } from '../../audit/record-filter.ts'
import type { AuditRecord } from '../../audit/shown-record.ts'
import { momentOf } from '../../core/day.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Sealer } from '../../crypto/sealer.ts'
import { prefersLines, varyByAccept } from '../representation.ts'
import type { TypedFastify } from '../route-auth.ts'
import { AuditAnswers, type AuditEnd, AuditQuery } from './audit-schemas.ts'

export interface AuditRoutesOptions {
  readonly queries: Queries
  /** The canonical text of a reference; where it leads to no configured store, as it was written. */
  readonly canonical: (reference: string) => string
  /** Throws `Error` with a sentence that does not repeat the pattern. */
  readonly compilePattern: (pattern: string) => (secret: AskedSecret) => boolean
  readonly sealer: () => Sealer
}

const PAGE = 100
const LINES = 'application/x-ndjson'

const refused = (member: string, rule: string, detail?: string): ProblemError =>
  new ProblemError('invalid_request', {
    ...(detail !== undefined && { detail }),
    errors: [{ pointer: `/querystring/${member}`, rule }]
  })

const timeOf = (member: 'from' | 'to', text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const end = member === 'to' && text.length === 10 ? 'T23:59:59.999Z' : ''
  const time = momentOf(`${text}${end}`)
  if (time === undefined) throw refused(member, 'time')
  return time
}

const matcherOf = (
  pattern: string | undefined,
  { compilePattern }: AuditRoutesOptions
): RecordFilter['isMatching'] => {
  if (pattern === undefined) return undefined
  try {
    return compilePattern(pattern)
  } catch (error) {
    throw refused('pattern', 'pattern', error instanceof Error ? error.message : undefined)
  }
}

const filterOf = (query: AuditQuery, options: AuditRoutesOptions): RecordFilter => {
  const { client, keyId, action, outcome, reference, pattern } = query
  return {
    client,
    keyId,
    action,
    outcome,
    reference: reference && options.canonical(reference),
    isMatching: matcherOf(pattern, options),
    from: timeOf('from', query.from),
    to: timeOf('to', query.to)
  }
}

/** A cursor is for the question that it was given for: another one would seem to be answered in whole. */
const contextOf = ({ cursor, limit, ...question }: AuditQuery): string[] => {
  const members = Object.entries(question).sort()
  return ['audit', createHash('sha256').update(JSON.stringify(members)).digest('base64url')]
}

const goOnOf = (query: AuditQuery, sealer: Sealer): GoOn | undefined => {
  if (query.cursor === undefined) return undefined
  const opened = sealer.open('cache', Buffer.from(query.cursor, 'base64url'), contextOf(query))
  if (opened === undefined) throw refused('cursor', 'cursor')
  return JSON.parse(opened.toString())
}

const questionOf = (
  app: TypedFastify,
  request: FastifyRequest,
  query: AuditQuery,
  options: AuditRoutesOptions
): Question => {
  const isStream = request.method === 'GET' && prefersLines(request.headers.accept)
  const limit = query.limit === undefined ? undefined : Number(query.limit)
  return {
    filter: filterOf(query, options),
    goOn: goOnOf(query, options.sealer()),
    limit: limit ?? (isStream ? Number.POSITIVE_INFINITY : PAGE),
    isStream,
    turn: () => app.largeWork(request)
  }
}

const shownEnd = ({ goOn, ...end }: AnswerEnd, query: AuditQuery, sealer: Sealer): AuditEnd => {
  const { files, instances, ...others } = end.notAsked
  const shown = { ...end, notAsked: { ...others, files: [...files], instances: [...instances] } }
  if (goOn === undefined) return shown
  const text = Buffer.from(JSON.stringify(goOn))
  return { ...shown, cursor: sealer.seal('cache', text, contextOf(query)).toString('base64url') }
}

type Answer = ReturnType<Queries['ask']>

const pageOf = async (answer: Answer): Promise<{ records: AuditRecord[]; end: AnswerEnd }> => {
  const records: AuditRecord[] = []
  for (;;) {
    const next = await answer.next()
    if (next.done) return { records, end: next.value }
    records.push(...next.value)
  }
}

const linesOf = async function* (
  first: Awaited<ReturnType<Answer['next']>>,
  answer: Answer,
  show: (end: AnswerEnd) => AuditEnd
): AsyncGenerator<string> {
  for (let next = first; ; next = await answer.next()) {
    if (next.done) {
      yield `${JSON.stringify({ end: show(next.value) })}\n`
      return
    }
    yield next.value.map((record) => `${JSON.stringify(record)}\n`).join('')
  }
}

export const addAuditRoutes = (app: TypedFastify, options: AuditRoutesOptions): void => {
  app.get(
    '/v1/admin/audit',
    {
      config: { auth: { kind: 'admin' } },
      schema: {
        operationId: 'searchAudit',
        summary:
          'Who did what, and when: the audit trail of this DATA_DIR, and of all replicas where AUDIT_SINKS has redis; newest first',
        querystring: AuditQuery,
        response: { 200: AuditAnswers }
      }
    },
    async (request, reply) => {
      const { query } = request
      const question = questionOf(app, request, query, options)
      const show = (end: AnswerEnd): AuditEnd => shownEnd(end, query, options.sealer())
      const answer = options.queries.ask(question)
      varyByAccept(reply)
      if (!question.isStream) {
        const { records, end } = await pageOf(answer)
        return reply.type('application/json').send({ records, ...show(end) })
      }
      // A reader that left: the place of its question is free for others.
      reply.raw.once('close', () => void answer.return(undefined as never).catch(() => {}))
      // What is wrong from the beginning is a problem, not a stream that breaks off.
      const first = await answer.next()
      const body = Readable.from(linesOf(first, answer, show), { objectMode: false })
      return reply.type(LINES).header('x-accel-buffering', 'no').send(body)
    }
  )
}
