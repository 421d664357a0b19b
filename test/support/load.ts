/**
 * A load of so many requests a second, from a process of its own so that a busy test does not slow it down. Rule: open
 * loop. Requests leave when their time has come, whatever became of those before, and a latency counts from that time on.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export interface LoadPlan {
  /** Asked in turn, over and over. */
  readonly urls: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly perSecond: number
  readonly seconds: number
}

export interface Sample {
  /** When it was due, in milliseconds since the epoch. */
  readonly at: number
  readonly ms: number
  /** How much of that passed before it left, because the machine had no time for it. */
  readonly lateMs: number
  /** 0 where there was no answer. */
  readonly status: number
  /** Of the answer's `X-Cache`; of a request without an answer, why. */
  readonly note: string
  /** Which of the URLs, by its place. */
  readonly index: number
}

export interface Summary {
  readonly requests: number
  /** How many there were of each status and note. */
  readonly answers: Readonly<Record<string, number>>
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** The p99 of how late the load itself was: where this is much, the machine was too busy for the rest to mean much. */
  readonly late: number
}

export const percentile = (numbers: readonly number[], share: number): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const summaryOf = (samples: readonly Sample[]): Summary => {
  const answers: Record<string, number> = {}
  for (const { status, note } of samples) {
    const name = `${status} ${note}`.trim()
    answers[name] = (answers[name] ?? 0) + 1
  }
  const times = samples.map(({ ms }) => ms)
  return {
    requests: samples.length,
    answers,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    p99: percentile(times, 0.99),
    max: times.reduce((most, ms) => Math.max(most, ms), 0),
    late: percentile(
      samples.map(({ lateMs }) => lateMs),
      0.99
    )
  }
}

/** A line for a report. */
export const format = ({ requests, answers, p50, p95, p99, max, late }: Summary): string => {
  const times = { p50, p95, p99, max }
  const figures = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`)
  return `${requests} requests, ${figures.join(', ')}, left ${late.toFixed(1)} ms late at p99; ${JSON.stringify(answers)}`
}

export interface Load {
  /** All that was sent, in order, once everything was answered. */
  readonly samples: Promise<readonly Sample[]>
}

export const startLoad = (t: Test, plan: LoadPlan): Load => {
  // tap puts a loader of its own into NODE_OPTIONS, which a load does without.
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = fork(fileURLToPath(new URL('./load-process.js', import.meta.url)), {
    env,
    execArgv: []
  })
  const samples = new Promise<readonly Sample[]>((resolve, reject) => {
    child.once('message', (sent) => resolve(sent as readonly Sample[]))
    child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)))
    child.once('error', reject)
  })
  // A test that fails before it asks for the samples must not fail a second time.
  samples.catch(() => {})
  t.teardown(() => void child.kill('SIGKILL'))
  child.send(plan)
  return { samples }
}
