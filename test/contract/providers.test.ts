/** No kind of store goes without the contract: each has its own `<kind>-provider.test.ts`, so that they run side by side. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { catalog } from '../../src/kinds/catalog.ts'

for (const { kind } of catalog) {
  test(`the contract suite runs against ${kind}`, async (t) => {
    const file = readFileSync(`test/contract/${kind}-provider.test.ts`, 'utf8')
    t.match(file, new RegExp(`^providerSuite\\('${kind}', \\w+\\)$`, 'm'))
  })
}
