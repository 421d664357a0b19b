/**
 * The sessions that are open, for administrators: seen and ended. Rule: one's own whatever the mode; those of others are
 * shown to mode r and ended by mode w; each end is on record, with whose doing it was.
 */
import type { FastifyRequest } from 'fastify'
import type { Recorder } from '../../audit/recorder.ts'
import { ProblemError } from '../../core/problem.ts'
import type { ListedSession } from '../../keys/open-sessions.ts'
import { isOfSameUser, type Session } from '../../keys/session.ts'
import type { Sessions } from '../../keys/sessions.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { isoTime, sessionOnRecord, shown } from './sessions.ts'
import {
  EndedAnswer,
  EndSessionsQuery,
  SessionParams,
  type SessionRow,
  SessionsAnswer,
  SessionsEndedAnswer
} from './sessions-schemas.ts'

export interface OpenSessionRoutesOptions {
  readonly sessions: Pick<Sessions, 'list' | 'end'>
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
}

const config = { auth: { kind: 'admin', anyMode: true } } as const

const UNREADABLE = 'which sessions are open cannot be read now'

/** Who asks: the session, or the key, whose sessions are those that it opened. */
const ownerOf = ({ session, principal }: FastifyRequest): Parameters<typeof isOfSameUser>[0] => {
  if (session !== null) return session
  if (principal === null) throw new ProblemError('authentication_required')
  return { principal }
}

const isOwn = (request: FastifyRequest, session: Session): boolean =>
  isOfSameUser(ownerOf(request), session)

const hasMode = ({ principal }: FastifyRequest, letter: 'r' | 'w'): boolean =>
  principal?.mode.includes(letter) === true

const listed = async ({
  sessions
}: OpenSessionRoutesOptions): Promise<readonly ListedSession[]> => {
  try {
    return await sessions.list()
  } catch {
    throw new ProblemError('store_unavailable', { detail: UNREADABLE })
  }
}

const rowOf = (request: FastifyRequest, { session, address }: ListedSession): SessionRow => {
  const { csrfToken: _, ...row } = shown(session)
  const { reauthenticatedAt: again } = session
  return {
    ...row,
    own: isOwn(request, session),
    current: session.id === request.session?.id,
    ...(again !== undefined && { reauthenticatedAt: isoTime(again) }),
    lastActAt: isoTime(session.renewedAt),
    ...(address !== undefined && { address })
  }
}

/** In force before it is on record: where that fails, the session has ended all the same. */
const endAll = async (
  { sessions, recorder }: OpenSessionRoutesOptions,
  request: FastifyRequest,
  ending: readonly (Pick<Session, 'id'> & Partial<Session>)[]
): Promise<{ ended: string[]; pending?: boolean }> => {
  const ended: string[] = []
  let isDurable = true
  for (const session of ending) {
    const revocation = await sessions.end(session)
    isDurable &&= revocation.isDurable
    const object = sessionOnRecord(session.id)
    await recorder.allowed(callerOf(request), 'session.end', undefined, { object })
    ended.push(session.id)
  }
  return { ended, ...(!isDurable && { pending: true }) }
}

const isMeant = (request: FastifyRequest, query: EndSessionsQuery, session: Session): boolean => {
  if ('own' in query) return isOwn(request, session)
  return 'all' in query || session.principal.client === query.client
}

const addList = (app: TypedFastify, options: OpenSessionRoutesOptions): void => {
  app.get(
    '/v1/admin/sessions',
    {
      config,
      schema: {
        operationId: 'listSessions',
        summary: "The sessions that are open; without mode r the caller's own alone",
        response: { 200: SessionsAnswer }
      }
    },
    async (request) => {
      const all = await listed(options)
      const seen = all.filter(({ session }) => hasMode(request, 'r') || isOwn(request, session))
      return { sessions: seen.map((one) => rowOf(request, one)) }
    }
  )
}

const addEndOne = (app: TypedFastify, options: OpenSessionRoutesOptions): void => {
  app.delete(
    '/v1/admin/sessions/:id',
    {
      config,
      schema: {
        operationId: 'endOneSession',
        summary:
          "End a session from the next request on, everywhere; without mode w the caller's own",
        params: SessionParams,
        response: { 200: EndedAnswer }
      }
    },
    async (request) => {
      const { id } = request.params
      // With mode w also one that is not listed, or while the list cannot be read.
      const may = hasMode(request, 'w')
      const all = await listed(options).catch((error) => (may ? [] : Promise.reject(error)))
      const found = all.find(({ session }) => session.id === id)?.session
      if (!may && (found === undefined || !isOwn(request, found))) {
        const refusal = new ProblemError('insufficient_mode')
        const facts = { object: sessionOnRecord(id) }
        const { recorder } = options
        return Promise.reject(
          await recorder.failed(callerOf(request), 'session.end', undefined, refusal, facts)
        )
      }
      const { pending } = await endAll(options, request, [found ?? { id }])
      return { sessionId: id, ...(pending && { pending }) }
    }
  )
}

const addEndMany = (app: TypedFastify, options: OpenSessionRoutesOptions): void => {
  app.delete(
    '/v1/admin/sessions',
    {
      config,
      schema: {
        operationId: 'endSessions',
        summary:
          "End sessions, everywhere: ?own=true, ?client= or ?all=true; never the one that asks, and without mode w the caller's own alone",
        querystring: EndSessionsQuery,
        response: { 200: SessionsEndedAnswer }
      }
    },
    async (request) => {
      const { query } = request
      const all = await listed(options)
      const ending = all
        .map(({ session }) => session)
        .filter(({ id }) => id !== request.session?.id)
        .filter((one) => isMeant(request, query, one))
        .filter((one) => hasMode(request, 'w') || isOwn(request, one))
      return endAll(options, request, ending)
    }
  )
}

export const addOpenSessionRoutes = (
  app: TypedFastify,
  options: OpenSessionRoutesOptions
): void => {
  for (const add of [addList, addEndOne, addEndMany]) add(app, options)
}
