/** The checks of `purser doctor`, for the page: a run for all who ask (shared-run.ts). */
import { type Static, Type } from 'typebox'
import { Report } from '../core/doctor-report.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { createSharedRun } from './shared-run.ts'

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

/** Each check has a deadline of its own, of a quarter of that. */
const WITHIN_MS = 60_000

const DETAIL = 'the checks came to no end here: run `purser doctor` on the machine of the service'

export const createDoctor = ({ examine, now, withinMs = WITHIN_MS }: DoctorOptions): Doctor => {
  const { outcome, close } = createSharedRun<Examination>({
    work: async (signal, examinedAt) => ({ examinedAt, ...(await examine(signal)) }),
    detail: DETAIL,
    now,
    withinMs
  })
  return { examination: outcome, close }
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
