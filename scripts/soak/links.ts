/**
 * Since when each replica has had Redis without a break: by its own word, and not while a fault keeps it away. Rule: where
 * that is not known, it has not.
 */
import type { Test } from 'tap'
import type { SoakReplica } from './replica.ts'

const ASK_EVERY_MS = 500
const PATIENCE_MS = 10_000

/** Of readiness: Redis is away, or what was revoked is not known. */
const TROUBLE = /^(?:redis_|revocations_incomplete)/

export interface Readiness {
  readonly httpStatus: number
  readonly status?: string
  readonly reasons?: readonly string[]
  readonly reason?: string
}

export const readinessOf = async ({ url }: Pick<SoakReplica, 'url'>): Promise<Readiness> => {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    return { httpStatus: answer.status, ...((await answer.json()) as object) }
  } catch {
    return { httpStatus: 0 }
  }
}

export const hasRedis = ({ httpStatus, reason, reasons = [] }: Readiness): boolean =>
  httpStatus === 200 && ![reason ?? '', ...reasons].some((word) => TROUBLE.test(word))

export interface Links {
  /** As `performance.now` has it. */
  readonly since: (replica: number) => number | undefined
  /** From now on these are without Redis, as far as anybody can say. */
  readonly cut: (replicas: readonly number[]) => void
  /** From now on it is asked whether they have it again. */
  readonly mended: (replicas: readonly number[]) => void
}

export const watchLinks = (t: Pick<Test, 'teardown'>, replicas: readonly SoakReplica[]): Links => {
  const since = new Map<number, number>()
  const cut = new Set<number>()
  const mendedAt = new Map<number, number>()
  const look = async (replica: SoakReplica): Promise<void> => {
    const { index } = replica
    const asked = performance.now()
    const has = hasRedis(await readinessOf(replica))
    const isOld = cut.has(index) || asked < (mendedAt.get(index) ?? 0)
    if (!has || isOld) since.delete(index)
    else if (!since.has(index)) since.set(index, performance.now())
  }
  let isAsking = false
  const timer = setInterval(() => {
    if (isAsking) return
    isAsking = true
    void Promise.all(replicas.map(look)).finally(() => {
      isAsking = false
    })
  }, ASK_EVERY_MS)
  t.teardown(() => clearInterval(timer))
  return {
    since: (replica) => since.get(replica),
    cut: (which) => {
      for (const index of which) {
        cut.add(index)
        since.delete(index)
      }
    },
    mended: (which) => {
      for (const index of which) {
        cut.delete(index)
        mendedAt.set(index, performance.now())
      }
    }
  }
}
