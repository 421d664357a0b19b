/**
 * What clients ask of Vault itself: health, seal, leader, and where a mount begins. Rule: probes say no more than our own
 * do, and a mount is told to those whose rules name its store.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import type { DoorMeans } from '../means.ts'
import { refuse } from '../target.ts'
import { send, sendEnvelope } from './answers.ts'
import { PREFLIGHT } from './errors.ts'
import type { Mounts } from './request.ts'

/** Of the dialect: clients turn features on and off by it. */
const VERSION = '1.17.0+purser'

const open = { config: { auth: { kind: 'open', unlimited: true } } } as const
const loose = Type.Object({}, { additionalProperties: true })

type Query = Readonly<Record<string, unknown>>

/** The status that the caller wants instead. Throws `invalid_request`. */
const statusIn = (query: Query, name: string, fallback: number): number => {
  const text = query[name]
  if (text === undefined) return fallback
  if (typeof text !== 'string' || !/^[2-5]\d\d$/.test(text)) {
    throw new ProblemError('invalid_request', { detail: 'bad status code' })
  }
  return Number(text)
}

const addProbes = (app: TypedFastify, { health, now }: Pick<DoorMeans, 'health' | 'now'>): void => {
  const isReady = async (): Promise<boolean> => (await health.readiness()).status !== 'unavailable'

  app.get(
    '/v1/sys/health',
    { ...open, schema: { operationId: 'vaultHealth', querystring: loose } },
    async (request, reply) => {
      const query = request.query as Query
      // What cannot give a secret is, to these clients, sealed.
      const sealed = !(await isReady())
      request.ownStatus = sealed ? 503 : 200
      const status = statusIn(query, sealed ? 'sealedcode' : 'activecode', request.ownStatus)
      const body = {
        initialized: true,
        sealed,
        standby: false,
        performance_standby: false,
        replication_performance_mode: 'disabled',
        replication_dr_mode: 'disabled',
        server_time_utc: Math.floor(now() / 1000),
        version: VERSION
      }
      return send(reply, `${JSON.stringify(body)}\n`, status)
    }
  )

  app.get(
    '/v1/sys/seal-status',
    { ...open, schema: { operationId: 'vaultSealStatus', querystring: loose } },
    async (_request, reply) => {
      const body = {
        type: 'shamir',
        initialized: true,
        sealed: !(await isReady()),
        t: 1,
        n: 1,
        progress: 0,
        nonce: '',
        version: VERSION,
        build_date: '',
        migration: false,
        recovery_seal: false,
        storage_type: 'purser'
      }
      return send(reply, `${JSON.stringify(body)}\n`)
    }
  )

  app.get(
    '/v1/sys/leader',
    { ...open, schema: { operationId: 'vaultLeader', querystring: loose } },
    async (_request, reply) =>
      send(reply, '{"ha_enabled":false,"is_self":false,"leader_address":""}\n')
  )
}

const addPreflight = (
  app: TypedFastify,
  { broker, mayKnow }: Pick<DoorMeans, 'broker' | 'mayKnow'>,
  mounts: Mounts
): void => {
  app.get(
    PREFLIGHT,
    {
      config: { auth: { kind: 'key', scope: 'secrets', anyMode: true } },
      schema: {
        operationId: 'vaultPreflight',
        params: Type.Object({ '*': Type.String() }),
        querystring: loose
      }
    },
    async (request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply) => {
      const caller = callerOf(request)
      const [name = ''] = request.params['*'].split('/', 1)
      const mount = mounts.get(name)
      if (mount === undefined || !mayKnow(caller.client, mount.target)) {
        return refuse(broker, caller, mount?.target, 'x')
      }
      const data = {
        path: `${name}/`,
        type: 'kv',
        options: { version: String(mount.version) },
        description: '',
        accessor: `kv_${name}`
      }
      return sendEnvelope(reply, { data: JSON.stringify(data) })
    }
  )
}

export const addSystemRoutes = (
  app: TypedFastify,
  means: Pick<DoorMeans, 'broker' | 'health' | 'mayKnow' | 'now'>,
  mounts: Mounts
): void => {
  addProbes(app, means)
  addPreflight(app, means, mounts)
}
