/** What the wizard writes. */
import { test } from 'tap'
import { renderConfigFile } from '../../../src/cli/templates.ts'
import { examples } from '../../../src/kinds/examples.ts'
import { parseConfigFile } from '../../support/config-file.ts'

test('A fresh purser.yaml is valid, whatever kind the first store is of', async (t) => {
  for (const kind of Object.keys(examples)) {
    const { stores, policies } = parseConfigFile(renderConfigFile(kind, false), 'purser.yaml')
    t.strictSame(
      stores.map(({ plugin }) => plugin.kind),
      [kind]
    )
    t.strictSame(policies, [], 'nobody may read anything yet')
  }
})

test('What a fresh purser.yaml has as comments is valid too', async (t) => {
  // A comment that is an example has a list item or a member after its mark; one that explains has words.
  const text = renderConfigFile('local', false)
    .replace('policies: []', 'policies:')
    .replace('secrets: {}', 'secrets:')
    .replaceAll(/^( +)# ( *(- )?[\w-]+: .*)$/gm, '$1$2')
  const { stores, policies, book } = parseConfigFile(text, 'purser.yaml')
  t.equal(stores.length, Object.keys(examples).length)
  t.equal(policies.length, 1)
  t.equal(book.names.size, 1)
})

test('The file of a demonstration lets two clients below demo/ only, of which one writes', async (t) => {
  const { policies } = parseConfigFile(renderConfigFile('local', true), 'purser.yaml')
  const demo = ['local:demo/*']
  t.strictSame(policies, [
    { client: 'demo', read: demo },
    { client: 'operator', read: demo, write: demo }
  ])
})
