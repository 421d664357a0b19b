/** When a rule ends, as it is written: a day, at whose end in UTC it ends, or a moment with its offset. */

const DAY = /^\d{4}-\d{2}-\d{2}$/
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-][01]\d:[0-5]\d)$/
const DAY_MS = 86_400_000

/** Undefined also for a day that no month has, which Date would take for one of the next month. */
const startOf = (day: string): number | undefined => {
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) ? time : undefined
}

/** The first millisecond at which it is over; undefined for what is neither a day nor a moment. */
export const parseUntil = (text: string): number | undefined => {
  if (DAY.test(text)) {
    const start = startOf(text)
    return start === undefined ? undefined : start + DAY_MS
  }
  const day = MOMENT.exec(text)?.[1]
  return day === undefined || startOf(day) === undefined ? undefined : Date.parse(text)
}
