/** What the service does at present, and did in the last hour. Rule: figures and names of stores, and nothing of a secret. */
import { type Static, Type } from 'typebox'
import { ProblemError } from '../core/problem.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { type StoresOptions, storesOf } from '../http/routes/admin.ts'
import { StoresAnswer } from '../http/routes/admin-schemas.ts'
import { currentSession, type SessionGate } from '../http/session-gate.ts'
import { PURSER_VERSION } from '../kinds/shared/user-agent.ts'
import type { Readiness } from '../secrets/readiness.ts'
import type { History } from '../telemetry/history.ts'
import type { EventStreams } from './event-streams.ts'

export interface OverviewOptions {
  readonly environment: string
  readonly stores: StoresOptions
  readonly cache: () => { readonly secrets: number; readonly maxEntries: number }
  readonly history: Pick<History, 'minutes'>
  readonly readiness: () => Promise<Readiness>
  /** Revocations that hold here and that others have not heard of. */
  readonly pendingRevocations: () => number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

const OverviewAnswer = Type.Object({
  ...StoresAnswer.properties,
  version: Type.String(),
  environment: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  minutes: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time' }),
      requests: Type.Integer(),
      refusals: Type.Integer({ description: 'answered 401, 403 or 429' }),
      failures: Type.Integer({ description: 'answered 5xx' }),
      hits: Type.Integer(),
      misses: Type.Integer(),
      upstream: Type.Integer({ description: 'calls to stores' })
    }),
    { description: 'the last 60 of this process, oldest first; without what the console asked' }
  ),
  cache: Type.Object({ secrets: Type.Integer(), maxEntries: Type.Integer() }),
  pending: Type.Array(Type.String(), { description: 'what keeps the service from being well' })
})
export type OverviewAnswer = Static<typeof OverviewAnswer>

const isoOf = (at: number): string => new Date(at).toISOString()

export const overviewOf = async (options: OverviewOptions): Promise<OverviewAnswer> => {
  const { reasons } = await options.readiness()
  const waiting = options.pendingRevocations()
  const { secrets, maxEntries } = options.cache()
  return {
    ...storesOf(options.stores),
    version: PURSER_VERSION,
    environment: options.environment,
    startedAt: isoOf(options.startedAt),
    minutes: options.history.minutes().map(({ at, ...counts }) => ({ at: isoOf(at), ...counts })),
    cache: { secrets, maxEntries },
    pending: [
      ...reasons.map((reason) => reason.replaceAll('_', ' ')),
      ...(waiting > 0 ? [`revocations that other replicas have not heard of: ${waiting}`] : [])
    ]
  }
}

const addStream = (
  app: TypedFastify,
  url: string,
  streams: EventStreams,
  gate: SessionGate
): void => {
  app.get(
    url,
    { config: { auth: { kind: 'session', slides: false }, cors: false }, schema: {} },
    async (request, reply) => {
      reply.type('text/event-stream').header('x-accel-buffering', 'no')
      if (request.method === 'HEAD') return reply.send(undefined)
      const counts = async (): Promise<boolean> => {
        const session = await currentSession(gate, request)
        return session !== undefined && !(session instanceof ProblemError)
      }
      const body = streams.open(request.session?.id ?? '', counts)
      if (body === undefined) throw new ProblemError('overloaded')
      reply.raw.once('close', () => body.destroy())
      // So that the end of the stream is the end of the connection.
      return reply.header('connection', 'close').send(body)
    }
  )
}

export const addOverview = (
  app: TypedFastify,
  url: string,
  options: OverviewOptions,
  streams: EventStreams,
  gate: SessionGate
): void => {
  app.get(
    url,
    {
      config: { auth: { kind: 'session' }, cors: false },
      schema: { response: { 200: OverviewAnswer } }
    },
    () => overviewOf(options)
  )
  addStream(app, `${url}/stream`, streams, gate)
}
