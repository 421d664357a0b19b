// Real clients at our doors and at the products they are made for: the same exceptions, and the table of docs/doors.md as it was seen.
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { CLIENTS } from '../../support/door-clients/all.ts'
import { CASES } from '../../support/door-clients/client.ts'
import { askAll, faultsOf, HEAD, rowOf } from '../../support/door-clients/table.ts'
import { skipWithout } from '../../support/peers.ts'

const PAGE = 'docs/doors.md'

/** With DOORS_TABLE=write the page is written as it was seen. */
const writes = process.env['DOORS_TABLE'] === 'write'

const lineOf = (page: string, start: string): string =>
  page.split('\n').find((line) => line.startsWith(start)) ?? ''

for (const of of CLIENTS) {
  test(`clients of the door ${of.door}`, async (t) => {
    if (skipWithout(t, await of.needs())) return
    const rows = await askAll(t, of)
    for (const row of rows) {
      t.same(faultsOf(row), [], row.client.name)
      const expected = rowOf(row, of)
      const page = readFileSync(PAGE, 'utf8')
      const shown = lineOf(page, `| ${row.client.name} |`)
      if (writes && shown !== '') writeFileSync(PAGE, page.replace(shown, expected))
      else t.equal(shown, expected, `the row of ${PAGE}`)
    }
    const missing = of.clients.filter((client) => !rows.some((row) => row.client === client))
    for (const { name, available } of missing) {
      await t.test(name, async (inner) => void skipWithout(inner, await available()))
    }
  })
}

test('the page has a row for each client and a column for each case', async (t) => {
  const page = readFileSync(PAGE, 'utf8')
  for (const line of HEAD) t.ok(page.includes(`\n${line}\n`), line)
  for (const { clients } of CLIENTS) {
    for (const { name } of clients) {
      const cells = lineOf(page, `| ${name} |`).split(' | ')
      t.equal(cells.length, CASES.length + 2, name)
    }
  }
  t.end()
})
