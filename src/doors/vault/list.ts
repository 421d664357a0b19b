/**
 * A folder of the KV engine. Rule: what the caller may not read is not named, so that a folder in which it may read nothing
 * is one that there is not.
 */
import type { FastifyReply } from 'fastify'
import type { Target } from '../../config/door-entries.ts'
import type { Caller } from '../../core/caller.ts'
import { ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import type { DoorMeans } from '../means.ts'
import { prefixOf, refuse } from '../target.ts'
import { sendEnvelope } from './answers.ts'
import { type KvRequest, type Mounts, whole } from './request.ts'
import { keysBelow } from './secrets.ts'

/** Of the store; so many names cost the caller a request. */
const PAGE = 100
/** At most for one answer. */
const PAGES_MAX = 100

interface Found {
  readonly paths: readonly string[]
  readonly isComplete: boolean
}

export const createList = (
  { broker, mayKnow }: Pick<DoorMeans, 'broker' | 'mayKnow'>,
  mounts: Mounts
) => {
  const pathsBelow = async (
    caller: Caller,
    prefix: string,
    charge: () => ProblemError | undefined
  ): Promise<Found> => {
    const paths: string[] = []
    let cursor: string | undefined
    let isPartial = false
    for (let page = 0; page < PAGES_MAX; page++) {
      const limited = page === 0 ? undefined : charge()
      if (limited !== undefined) throw limited
      const rest = cursor === undefined ? {} : { cursor, isOnRecord: true as const }
      const found = await broker.listNames(caller, { prefix, limit: PAGE, ...rest })
      for (const { path } of found.names) paths.push(path)
      isPartial ||= found.isPartial
      cursor = found.cursor
      if (cursor === undefined) break
    }
    return { paths, isComplete: cursor === undefined && !isPartial }
  }

  const find = async (
    request: KvRequest,
    reply: FastifyReply,
    target: Target | undefined,
    folder: string
  ): Promise<Found> => {
    const caller = callerOf(request)
    if (!mayKnow(caller.client, target)) return refuse(broker, caller, target, `${folder}x`)
    const prefix = prefixOf(target, folder)
    if (prefix !== undefined) {
      return pathsBelow(caller, prefix, () => request.server.chargeKey(request, reply, 1))
    }
    const names = folder === '' ? await broker.listConfigured(caller) : []
    return { paths: names, isComplete: true }
  }

  return async (request: KvRequest, reply: FastifyReply, path: string): Promise<FastifyReply> => {
    const target = mounts.get(request.params.mount)?.target
    const folder = path === '' || path.endsWith('/') ? path : `${path}/`
    const after = request.query.after ?? ''
    const limit = whole(request.query.limit, 'limit') || Number.POSITIVE_INFINITY
    const { paths, isComplete } = await find(request, reply, target, folder)
    const base = target?.kind === 'below' ? target.path + folder : ''
    const keys = keysBelow(base, paths)
    const shown = keys.filter((key) => key > after).slice(0, limit)
    if (shown.length === 0 && isComplete) throw new ProblemError('secret_not_found')
    return sendEnvelope(reply, {
      data: JSON.stringify({ keys: shown }),
      ...(!isComplete && { warnings: ['the list is not complete: list a folder below'] })
    })
  }
}
