/** Days and moments as people write them. Rule: what Date would take for another day is none. */

/** When the day began in UTC with which the text begins; undefined for a day that no month has, and for a month alone. */
export const startOfDay = (text: string): number | undefined => {
  const day = text.slice(0, '2026-03-01'.length)
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === day ? time : undefined
}

const LENGTH = '2026-03-01T00:00:00.000Z'.length

/** ISO 8601 in UTC; undefined for no time, and for one of a year without four digits, which no text compares with. */
export const momentOf = (text: string): string | undefined => {
  const time = startOfDay(text) === undefined ? Number.NaN : Date.parse(text)
  const moment = Number.isNaN(time) ? '' : new Date(time).toISOString()
  return moment.length === LENGTH ? moment : undefined
}
