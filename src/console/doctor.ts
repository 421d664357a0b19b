/**
 * The checks of `purser doctor`, for the page. Rule: whoever asks meanwhile shares one run, another one begins no sooner
 * than a while after it, and none is waited for beyond its deadline.
 */
import { type Static, Type } from 'typebox'
import { Report } from '../core/doctor-report.ts'
import { ProblemError } from '../core/problem.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { withDeadline } from '../state/deadline.ts'

const Examination = Type.Object({
  ...Report.properties,
  examinedAt: Type.String({ format: 'date-time', description: 'when the checks were begun' })
})
export type Examination = Static<typeof Examination>

/** Runs the checks once, or says when they were begun; ends what it began where the signal aborts. */
export type Examine = (
  signal: AbortSignal
) => Promise<Report & { readonly examinedAt?: Examination['examinedAt'] }>

export interface Doctor {
  /** Of now, or of a moment ago. Rejects with a ProblemError. */
  readonly examination: () => Promise<Examination>
  readonly close: () => void
}

export interface DoctorOptions {
  readonly examine: Examine
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly withinMs?: number
}

/** Between the end of one run and the begin of the next. */
const APART_MS = 10_000
/** Each check has a deadline of its own, of a quarter of that. */
const WITHIN_MS = 60_000

const failed = (): ProblemError =>
  new ProblemError('overloaded', {
    detail: 'the checks came to no end here: run `purser doctor` on the machine of the service',
    retryAfter: APART_MS / 1000
  })

interface Run {
  readonly outcome: Promise<Examination>
  /** Undefined: it is under way. */
  endedAt: number | undefined
}

export const createDoctor = ({ examine, now, withinMs = WITHIN_MS }: DoctorOptions): Doctor => {
  const closing = new AbortController()
  let last: Run | undefined

  const isApart = ({ endedAt }: Run): boolean =>
    endedAt !== undefined && Math.abs(now() - endedAt) >= APART_MS

  const examination = async (): Promise<Examination> => {
    const examinedAt = new Date(now()).toISOString()
    const run: Examine = (signal) => examine(AbortSignal.any([signal, closing.signal]))
    const report = await withDeadline(withinMs, run, failed).catch(() => {
      throw failed()
    })
    return { examinedAt, ...report }
  }

  const begin = (): Run => {
    const run: Run = { outcome: examination(), endedAt: undefined }
    const end = (): void => {
      run.endedAt = now()
    }
    run.outcome.then(end, end)
    return run
  }

  return {
    examination: () => {
      if (last === undefined || isApart(last)) last = begin()
      return last.outcome
    },
    close: () => closing.abort()
  }
}

export const addDoctor = (app: TypedFastify, url: string, doctor: Doctor): void => {
  app.get(
    url,
    {
      // However long it takes: nobody types meanwhile.
      config: { auth: { kind: 'session', slides: false }, cors: false },
      schema: { response: { 200: Examination } }
    },
    () => doctor.examination()
  )
}
