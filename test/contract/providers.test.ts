/** No kind of store goes without the contract: each has its own `test/kinds/<kind>/provider.test.ts`, so that they run side by side. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { catalog } from '../../src/kinds/catalog.ts'

const KINDS = 'test/kinds'

const files = readdirSync(KINDS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => readFileSync(join(KINDS, name, 'provider.test.ts'), 'utf8'))

for (const { kind } of catalog) {
  test(`the contract suite runs against ${kind}`, async (t) => {
    const line = new RegExp(`^providerSuite\\('${kind}', \\w+\\)$`, 'm')
    t.equal(files.filter((file) => line.test(file)).length, 1)
  })
}
