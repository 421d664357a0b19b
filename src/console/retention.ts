/**
 * What retention will take, for the page: the dry run of `purser audit purge`. Rule: it changes nothing, and nothing here
 * does: the service purges by itself, or the command does.
 */
import { type Static, Type } from 'typebox'
import { lookAtPurge, type PurgeLookOptions } from '../audit/purge-look.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { createSharedRun, type SharedRun } from './shared-run.ts'

const Count = Type.Integer({ minimum: 0 })

const RetentionAnswer = Type.Object({
  lookedAt: Type.String({ format: 'date-time' }),
  days: Type.Integer({ description: 'AUDIT_RETENTION_DAYS' }),
  before: Type.String({ description: 'what is of an earlier day than this one is over its time' }),
  everyMinutes: Type.Optional(
    Type.Integer({ description: 'how often the service purges by itself; absent: it does not' })
  ),
  refusal: Type.Optional(Type.String({ description: 'why nothing would go, as a sentence' })),
  files: Type.Array(Type.Object({ name: Type.String(), day: Type.String() })),
  lines: Count,
  bytes: Count,
  withoutKey: Type.Integer({ description: 'segments whose MACs cannot be checked' }),
  lostKeys: Type.Array(Type.String(), { description: 'encryption keys that are missing for that' }),
  entries: Type.Array(Type.Object({ name: Type.String(), count: Count }), {
    description: 'of what else is kept'
  })
})
type RetentionAnswer = Static<typeof RetentionAnswer>

export interface RetentionOptions
  extends Pick<PurgeLookOptions, 'folder' | 'days' | 'findKey' | 'state' | 'leftovers'> {
  /** Undefined: the service does not purge by itself. */
  readonly everyMinutes: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type Retention = SharedRun<RetentionAnswer>

/** As long as somebody waits before a page; old files are read as a whole. */
const WITHIN_MS = 20_000
const DETAIL =
  'that came to no end here: run `purser audit purge --dry-run` on the machine of the service'

export const createRetentionLook = ({
  everyMinutes,
  now,
  ...options
}: RetentionOptions): Retention =>
  createSharedRun<RetentionAnswer>({
    work: async (signal, lookedAt) => {
      const isStopped = (): boolean => signal.aborted
      const look = { ...options, now: now(), isDryRun: true, isStopped }
      const { plan, over, refusal } = await lookAtPurge(look)
      // A plan that was stopped has nothing in it.
      signal.throwIfAborted()
      const { files, lines, bytes, withoutKey, lostKeys, end } = plan
      return {
        lookedAt,
        days: options.days,
        before: end,
        ...(everyMinutes !== undefined && { everyMinutes }),
        ...(refusal !== undefined && { refusal }),
        files: files.map(({ name, day }) => ({ name, day })),
        lines,
        bytes,
        withoutKey,
        lostKeys: [...lostKeys],
        entries: over.map(({ leftovers: { name }, count }) => ({ name, count }))
      }
    },
    detail: DETAIL,
    now,
    withinMs: WITHIN_MS
  })

export const addRetention = (app: TypedFastify, url: string, retention: Retention): void => {
  app.get(
    url,
    {
      // However long it takes: nobody types meanwhile.
      config: { auth: { kind: 'session', slides: false }, cors: false },
      schema: { response: { 200: RetentionAnswer } }
    },
    () => retention.outcome()
  )
}
