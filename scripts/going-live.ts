/** The table of checks in docs/going-live.md, between two lines of comment; what stands around them is written by hand. */
import { CHECKS } from '../src/doctor/checks.ts'

const TABLE = /(<!-- checks: [^\n]*-->\n).*?(\n<!-- end of checks -->)/s

/** Throws where the page has no place for the table. */
export const renderGoingLive = (page: string): string => {
  if (!TABLE.test(page)) throw new Error('docs/going-live.md has no place for the checks')
  const rows = CHECKS.map(({ id, title }) => `| \`${id}\` | ${title} |`)
  const table = ['| check | ok means |', '|---|---|', ...rows].join('\n')
  return page.replace(TABLE, (_all, start: string, end: string) => start + table + end)
}
