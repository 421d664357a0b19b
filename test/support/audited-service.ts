/**
 * A built service whose reads are told apart by their request ids, so that a test can ask what became of each. Rule: what
 * was answered with the secret has to be on record, and the trail has to verify, whatever happened to the disk.
 */
import type { Test } from 'tap'
import { recordsIn } from './audit-records.ts'
import {
  createConfigured,
  issueKey,
  putLocal,
  runPurser,
  type Start,
  serve
} from './purser-process.ts'
import { parseMetrics } from './scrape.ts'

export const idsOf = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i}`)

export interface Read {
  readonly id: string
  /** Undefined: there was no answer. */
  readonly status: number | undefined
  readonly code: string | undefined
}

export const readOne = (url: string, key: string, id: string): Promise<Read> =>
  fetch(`${url}/v1/secrets?ref=local:team/db`, {
    headers: { authorization: `Bearer ${key}`, 'x-request-id': id },
    signal: AbortSignal.timeout(60_000)
  })
    .then(async (answer) => {
      const { code } = (await answer.json()) as { code?: string }
      return { id, status: answer.status, code }
    })
    .catch(() => ({ id, status: undefined, code: undefined }))

/** All at once. */
export const readAll = (url: string, key: string, ids: readonly string[]): Promise<Read[]> =>
  Promise.all(ids.map((id) => readOne(url, key, id)))

/** Of those that were answered with the secret. */
export const disclosed = (reads: readonly Read[]): string[] =>
  reads.filter(({ status }) => status === 200).map(({ id }) => id)

export const configureAudited = async (t: Test) => {
  const { folder, variables } = createConfigured(t, {
    variables: { CONNECTIONS_PER_ADDRESS: '2000', RATE_LIMIT_ENABLED: 'false' }
  })
  await putLocal(folder, 'team/db', 'value')
  return { folder, variables, key: await issueKey(folder) }
}

/** A service on a folder, and what it disclosed since the folder was made. */
export const createAudited = async (t: Test, under: Start['under'] = []) => {
  const { folder, key, variables } = await configureAudited(t)
  const answered: string[] = []
  let rounds = 0
  const start = async () => {
    const running = await serve(t, folder, {}, under)
    const read = async (count: number): Promise<Read[]> => {
      const reads = await readAll(running.url, key, idsOf(`round-${rounds++}`, count))
      answered.push(...disclosed(reads))
      return reads
    }
    /** For how long the oldest record has been waiting for the disk. */
    const lag = async (): Promise<number> => {
      const answer = await fetch(`${running.url}/internal/metrics`, {
        headers: { 'x-internal-secret': variables['INTERNAL_SECRET'] ?? '' }
      })
      return parseMetrics(await answer.text()).value('purser_audit_lag_seconds') ?? 0
    }
    return { ...running, read, lag }
  }
  const assertRecorded = async (): Promise<void> => {
    const recorded = new Set((await recordsIn(folder)).map(({ requestId }) => requestId))
    t.strictSame(
      answered.filter((id) => !recorded.has(id)),
      []
    )
    const { code, stdout, stderr } = await runPurser(t, folder, ['audit', 'verify'])
    t.equal(code, 0, stdout + stderr)
  }
  return { folder, answered, start, assertRecorded }
}
