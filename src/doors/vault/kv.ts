/**
 * The KV engine, versions 2 and 1: read, write, list, metadata. Rule: a mount that there is not is asked of the broker as
 * any other, so that it is answered and recorded like whatever is forbidden; what the engine has and the broker has not
 * is an unsupported operation.
 */
import type { FastifyReply } from 'fastify'
import { ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import type { Broker, Disclosure } from '../../secrets/broker.ts'
import type { View } from '../../secrets/view.ts'
import type { DoorMeans } from '../means.ts'
import { refuse, wantedOf } from '../target.ts'
import { AS_STORED } from '../text.ts'
import { type Envelope, sendEnvelope, sendSecret } from './answers.ts'
import { fieldsIn, writeIn } from './bodies.ts'
import { createList } from './list.ts'
import { type KvRequest, type Mounts, Path, pathOf, Query, wantsList, whole } from './request.ts'
import { versionMetadata, writeKv1, writeKv2, writeMetadata } from './secrets.ts'

type Means = Pick<DoorMeans, 'broker' | 'now' | 'mayKnow'>

/** As Vault says it of a secret of KV 1: 32 days. */
const KV1_LEASE = 2_764_800

const read = { kind: 'key', scope: 'secrets', discloses: true } as const
const write = { kind: 'key', scope: 'secrets' } as const

/** A version that is asked for and that the store could not even have is one that is not there. */
const orMissing = (error: unknown, version: string | undefined): unknown =>
  version !== undefined &&
  error instanceof ProblemError &&
  (error.code === 'invalid_reference' || error.code === 'invalid_request')
    ? new ProblemError('secret_not_found')
    : error

/** How a mount and a path are asked of the broker. */
const createAccess = ({ broker, mayKnow }: Means, mounts: Mounts) => {
  const targetOf = ({ params }: KvRequest) => mounts.get(params.mount)?.target
  return {
    /** To whoever may know nothing of it a mount is as one that there is not: of version 2. */
    isV1: (request: KvRequest): boolean => {
      const { version, target } = mounts.get(request.params.mount) ?? {}
      return version === 1 && mayKnow(callerOf(request).client, target)
    },

    targetOf,

    read: (request: KvRequest, path: string, version?: string): Promise<Disclosure> => {
      const wanted = wantedOf(targetOf(request), path, version)
      const reading = broker.readSecret(callerOf(request), wanted, AS_STORED)
      return version === undefined
        ? reading
        : reading.catch((error) => Promise.reject(orMissing(error, version)))
    },

    write: (request: KvRequest, path: string, asked: Parameters<Broker['writeSecret']>[2]) =>
      broker.writeSecret(callerOf(request), wantedOf(targetOf(request), path), asked)
  }
}

type Access = ReturnType<typeof createAccess>
type List = ReturnType<typeof createList>

const answer = (
  reply: FastifyReply,
  { view, cache }: Disclosure,
  envelopeOf: (view: View) => Envelope
): FastifyReply => {
  reply.header('x-cache', cache)
  return sendSecret(reply, view, () => envelopeOf(view))
}

const asKv1 = (view: View): Envelope => ({ data: writeKv1(view), leaseDuration: KV1_LEASE })
const asKv2 = (view: View): Envelope => ({ data: writeKv2(view) })
const asMetadata = (view: View): Envelope => ({ data: writeMetadata(view) })

const createKv1 = (access: Access, list: List) => ({
  read: async (request: KvRequest, reply: FastifyReply, path: string) => {
    if (wantsList(request)) return list(request, reply, path)
    return answer(reply, await access.read(request, path), asKv1)
  },

  write: async (request: KvRequest, reply: FastifyReply, path: string) => {
    await access.write(request, path, { text: fieldsIn(request.body) })
    return reply.code(204).send()
  }
})

/** Of KV 2, beside what has a route of its own. */
const createOther =
  ({ broker, mayKnow }: Means, { targetOf }: Access) =>
  async (request: KvRequest, path: string): Promise<never> => {
    const caller = callerOf(request)
    const target = targetOf(request)
    if (!mayKnow(caller.client, target)) await refuse(broker, caller, target, path)
    throw new ProblemError('secret_not_found')
  }

/** A path below a mount of KV 1 may begin with a word of KV 2. */
const createKv = (means: Means, mounts: Mounts) => {
  const access = createAccess(means, mounts)
  const { isV1 } = access
  const list = createList(means, mounts)
  const kv1 = createKv1(access, list)
  const other = createOther(means, access)

  return {
    readData: async (request: KvRequest, reply: FastifyReply) => {
      const path = pathOf(request)
      if (isV1(request)) return kv1.read(request, reply, `data/${path}`)
      if (wantsList(request)) throw new ProblemError('method_not_allowed')
      const number = whole(request.query.version, 'version') || undefined
      return answer(reply, await access.read(request, path, number?.toString()), asKv2)
    },

    writeData: async (request: KvRequest, reply: FastifyReply) => {
      const path = pathOf(request)
      if (isV1(request)) return kv1.write(request, reply, `data/${path}`)
      const { text, cas } = writeIn(request.body)
      const ifVersion = cas === undefined || cas === 0 ? undefined : String(cas)
      const { version } = await access.write(request, path, {
        text,
        ifVersion,
        ifAbsent: cas === 0
      })
      return sendEnvelope(reply, { data: versionMetadata(version, means.now()) })
    },

    readMetadata: async (request: KvRequest, reply: FastifyReply) => {
      const path = pathOf(request)
      if (isV1(request)) return kv1.read(request, reply, `metadata/${path}`)
      if (wantsList(request)) return list(request, reply, path)
      return answer(reply, await access.read(request, path), asMetadata)
    },

    writeMetadata: async (request: KvRequest, reply: FastifyReply) => {
      if (isV1(request)) return kv1.write(request, reply, `metadata/${pathOf(request)}`)
      throw new ProblemError('method_not_allowed')
    },

    readOther: async (request: KvRequest, reply: FastifyReply) => {
      const path = pathOf(request)
      if (isV1(request)) return kv1.read(request, reply, path)
      // The root of the listing may be asked for without a slash.
      if (path === 'metadata' && wantsList(request)) return list(request, reply, '')
      return other(request, path)
    },

    writeOther: async (request: KvRequest, reply: FastifyReply) => {
      const path = pathOf(request)
      return isV1(request) ? kv1.write(request, reply, path) : other(request, path)
    }
  }
}

const schema = (operationId: string) => ({ operationId, params: Path, querystring: Query })

export const addKvRoutes = (app: TypedFastify, means: Means, mounts: Mounts): void => {
  const kv = createKv(means, mounts)
  const reading = { config: { auth: read } }
  const writing = { config: { auth: write, keepsDigits: true as const } }
  app.get('/v1/:mount/data/*', { ...reading, schema: schema('vaultReadData') }, kv.readData)
  app.get('/v1/:mount/metadata/*', { ...reading, schema: schema('vaultMetadata') }, kv.readMetadata)
  app.get('/v1/:mount/*', { ...reading, schema: schema('vaultRead') }, kv.readOther)
  app.get('/v1/:mount', { ...reading, schema: schema('vaultReadRoot') }, kv.readOther)
  for (const method of ['PUT', 'POST'] as const) {
    app.route({
      method,
      url: '/v1/:mount/data/*',
      ...writing,
      schema: schema('vaultWriteData'),
      handler: kv.writeData
    })
    app.route({
      method,
      url: '/v1/:mount/metadata/*',
      ...writing,
      schema: schema('vaultWriteMetadata'),
      handler: kv.writeMetadata
    })
    app.route({
      method,
      url: '/v1/:mount/*',
      ...writing,
      schema: schema('vaultWrite'),
      handler: kv.writeOther
    })
  }
}
