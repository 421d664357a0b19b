/** Times as they are typed: a day, a moment, or so long ago. */
import { InvalidArgumentError } from 'commander'
import { momentOf } from '../../core/day.ts'

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

const WRONG_TIME =
  'Give a day such as 2026-03-01, a time such as 2026-03-01T08:00Z, or 30m, 12h, 7d.'

/** ISO 8601 in UTC, as records have it. */
export const parseTime = (text: string): string => {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)?$/.test(text)
  if (count !== undefined) {
    return new Date(Date.now() - Number(count) * (UNITS_MS[unit] ?? 0)).toISOString()
  }
  const moment = isTime ? momentOf(text) : undefined
  if (moment !== undefined) return moment
  throw new InvalidArgumentError(WRONG_TIME)
}
