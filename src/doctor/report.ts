/** The report, as lines for people or as JSON for programs. */
import type { Examined, Report, Status } from '../core/doctor-report.ts'

export const reportOf = (environment: string, examined: readonly Examined[]): Report => {
  const count = (status: Status): number => examined.filter((one) => one.status === status).length
  const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') }
  const status = counts.fail > 0 ? 'fail' : counts.warn > 0 ? 'warn' : 'ok'
  return { environment, status, counts, checks: [...examined] }
}

const line = (status: Status, id: string, message: string): string =>
  `${status.padEnd(4)}  ${id.padEnd(22)}  ${message}`

/** One for each finding, and one for each check without any. */
export const linesOf = ({ checks }: Report): string[] =>
  checks.flatMap(({ id, title, idle, findings }) =>
    findings.length === 0
      ? [line('ok', id, idle === undefined ? title : `does not apply: ${idle}`)]
      : findings.map(({ status, message }) => line(status, id, message))
  )

export const summaryOf = ({ environment, counts: { ok, warn, fail } }: Report): string =>
  `${environment}: ${ok} checks ok, ${warn} with warnings, ${fail} failed`
