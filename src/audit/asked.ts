/**
 * What one question is answered from: the files here and, where AUDIT_SINKS has redis, the streams of all others. Rule:
 * Redis that does not answer, or of which something is missing, is said and keeps no question from its answer.
 */
import type { Access } from './access.ts'
import type { GoOn, NotAsked, Question } from './queries.ts'
import type { RecordFilter } from './record-filter.ts'
import type { RedisLookAt, RedisTrail } from './redis-trail.ts'
import { createBoth, createSearch, filesAsked, type Position, type Search } from './search.ts'
import type { AuditRecord } from './shown-record.ts'

/** Records that were given last and may come again from the other place: those of a moment. */
const GIVEN_MAX = 10_000
const GIVEN_KEPT = 64

const createGiven = (former: readonly string[] = []) => {
  const given = new Set(former)
  return {
    last: () => [...given].slice(-GIVEN_KEPT),
    isNew: ({ instance, seq }: AuditRecord): boolean => {
      if (instance === undefined || seq === undefined) return true
      const key = `${instance}:${seq}`
      if (given.has(key)) return false
      given.add(key)
      if (given.size > GIVEN_MAX) for (const oldest of given) return given.delete(oldest)
      return true
    }
  }
}

/** What one question is answered from. */
export interface Asked {
  readonly files: Search
  readonly shared: Search | undefined
  readonly redis: RedisLookAt | undefined
  /** Where the next page goes on in streams that could not be asked for this one. */
  readonly sharedLater: Position | undefined
  readonly step: (max: number) => Promise<readonly AuditRecord[] | undefined>
  readonly given: ReturnType<typeof createGiven>
}

/** A search in streams has deadlines of its own. */
const atOnce = <T>(work: () => Promise<T>): Promise<T> => work()

export const isOver = ({ files, shared }: Asked): boolean =>
  files.reaches() === '' && (shared?.reaches() ?? '') === ''

export const goOnOf = (asked: Asked, completeFrom: string | undefined): GoOn | undefined => {
  const { files, shared, sharedLater, given } = asked
  if (isOver(asked)) return undefined
  const next = shared === undefined ? sharedLater : (shared.position() ?? OVER)
  return {
    position: files.position() ?? OVER,
    ...(next && { shared: next, given: given.last() }),
    ...(completeFrom !== undefined && { completeFrom })
  }
}

/** Before everything: nothing is left there. */
const OVER: Position = { day: '', ends: {} }

export interface AskingOptions {
  /** `audit/` below DATA_DIR. */
  readonly folder: string
  readonly redis: RedisTrail | undefined
  readonly access: Access
}

const filesOf = (
  { folder, access }: AskingOptions,
  filter: RecordFilter,
  position: Position | undefined
): Search =>
  createSearch({
    sources: () => filesAsked(folder, filter, position?.day),
    filter,
    position,
    access
  })

export const beginAsking = async (
  options: AskingOptions,
  { filter, goOn }: Pick<Question, 'filter' | 'goOn'>
): Promise<Asked> => {
  const { redis } = options
  const files = filesOf(options, filter, goOn?.position)
  const given = createGiven(goOn?.given)
  const look = await redis?.look().catch(() => undefined)
  if (look === undefined) {
    // What was not asked for the first page would come out of its order later.
    const sharedLater = redis && (goOn?.shared ?? OVER)
    return { files, given, shared: undefined, redis: undefined, step: files.step, sharedLater }
  }
  const sources = async () => look.sources(filter)
  const shared = createSearch({ sources, filter, position: goOn?.shared, access: atOnce })
  const { step } = createBoth(files, shared, given.isNew)
  return { files, given, shared, redis: look, step, sharedLater: undefined }
}

export const notAskedOf = (
  { files, shared, redis: look }: Asked,
  hasRedis: boolean,
  { all, here }: { readonly all: number; readonly here: number }
): NotAsked => {
  for (const stream of shared?.seen().unread ?? []) look?.miss(stream)
  return {
    files: files.seen().unread,
    instances: [...(look?.missing ?? [])].sort(),
    replicas: Math.max(0, all - Math.max(here, look?.alive ?? 0)),
    redis: hasRedis && look === undefined
  }
}

export const searchesOf = ({ files, shared }: Asked): readonly Search[] =>
  shared === undefined ? [files] : [files, shared]
