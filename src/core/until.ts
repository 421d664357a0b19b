/** When a rule ends, as it is written: a day, at whose end in UTC it ends, or a moment with its offset. */
import { startOfDay } from './day.ts'

const DAY = /^\d{4}-\d{2}-\d{2}$/
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-][01]\d:[0-5]\d)$/
const DAY_MS = 86_400_000

/** The first millisecond at which it is over; undefined for what is neither a day nor a moment. */
export const parseUntil = (text: string): number | undefined => {
  if (DAY.test(text)) {
    const start = startOfDay(text)
    return start === undefined ? undefined : start + DAY_MS
  }
  const day = MOMENT.exec(text)?.[1]
  return day === undefined || startOfDay(day) === undefined ? undefined : Date.parse(text)
}
