/** The pages of docs/stores/ are true as far as a test can tell: examples, references, powers and policies. */
import { readFileSync } from 'node:fs'
import { type Test, test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { formatReference, parseReference } from '../../src/core/reference.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { catalog, type StoreKind } from '../../src/kinds/catalog.ts'
import { vault } from '../../src/kinds/vault/index.ts'
import { SUBJECTS } from '../kinds/subjects.ts'
import { createAdmin } from '../kinds/vault/fake.ts'
import { parseConfigFile } from '../support/config-file.ts'
import { isInstalled, skipWithout, startPeer } from '../support/peers.ts'
import { createDeps } from '../support/provider-deps.ts'
import { faultOf, type Subject, within } from './subject.ts'

const pageOf = (kind: string): string => readFileSync(`docs/stores/${kind}.md`, 'utf8')

const sectionOf = (page: string, heading: string): string =>
  page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''

const blocksIn = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, spoken, block = '']) =>
    spoken === language ? [block] : []
  )

/** The cells of a section's first table, without its head. */
const rowsIn = (section: string): string[][] =>
  (/(?:^\|.*\|\n)+/m.exec(section)?.[0] ?? '')
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

const configOf = (page: string) => parseConfigFile(blocksIn(page, 'yaml')[0] ?? '', 'example')

const powersSaidBy = ({ powers = {} }: Subject, hasTags: boolean): string[] => [
  'read',
  ...(hasTags ? ['tags'] : []),
  ...(powers.write ? ['write'] : []),
  ...(powers.list ? ['list'] : []),
  ...(powers.readMany ? ['batch'] : [])
]

for (const { kind, tags } of catalog) {
  test(`the page of ${kind}`, async (suite) => {
    const page = pageOf(kind)

    suite.test('its example is a configuration that is accepted', async (t) => {
      const { stores, policies } = configOf(page)
      t.strictSame(
        stores.map(({ plugin }) => plugin.kind),
        [kind]
      )
      t.ok(policies.length > 0)
    })

    suite.test('its references lead where it says', async (t) => {
      const { book } = configOf(page)
      const rows = rowsIn(sectionOf(page, 'References'))
      t.ok(rows.length >= 2)
      for (const [written = '', target] of rows) {
        const reference = parseReference(written.replaceAll('`', ''), book)
        t.equal(reference && `\`${formatReference(reference)}\``, target, written)
      }
    })

    suite.test('it speaks of the powers that the store has, and of no other', async (t) => {
      const subject = SUBJECTS[kind as StoreKind]
      const rows = rowsIn(sectionOf(page, 'Rights that Purser needs'))
      t.strictSame(
        rows.map(([power]) => power),
        powersSaidBy(subject, tags !== undefined)
      )
    })

    suite.test('it can be read: its lines, its JSON, its YAML', async (t) => {
      const long = page.split('\n').filter((line) => line.length > 150)
      t.strictSame(long, [])
      for (const block of blocksIn(page, 'json')) t.type(JSON.parse(block), 'object')
      for (const block of blocksIn(page, 'yaml')) {
        for (const document of parseAllDocuments(block)) t.strictSame(document.errors, [])
      }
      t.notMatch(page, /\{\{|<!-- \w+ -->/, 'nothing is left to fill in')
    })
  })
}

test('the policy on the page of Vault gives what it says, and no more', async (t: Test) => {
  if (skipWithout(t, await isInstalled('openbao'))) return
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  await admin('POST', 'sys/mounts/my-kv', { type: 'kv', options: { version: '2' } })
  await admin('POST', 'sys/mounts/old/kv', { type: 'kv', options: { version: '1' } })
  const paths = ['google-prov', 'bots/one', 'other/two']
  for (const path of paths) await admin('POST', `my-kv/data/${path}`, { data: { a: 'b' } })
  await admin('POST', 'old/kv/smtp', { a: 'b' })
  await admin('POST', 'my-kv/metadata/bots/one', { cas_required: true })

  const [policy] = blocksIn(sectionOf(pageOf('vault'), 'Rights that Purser needs'), 'hcl')
  await admin('POST', 'sys/policies/acl/purser', { policy })
  const { auth } = await admin('POST', 'auth/token/create', { policies: ['purser'] })
  const { read, write, list, check, close } = await vault.connect(
    {
      address: url,
      mounts: [
        { path: 'my-kv', version: 2 },
        { path: 'old/kv', version: 1 }
      ],
      auth: { method: 'token', token: { env: 'TOKEN' } }
    },
    createDeps({ TOKEN: auth.client_token })
  )
  t.teardown(close)
  const put = async (path: string) => write?.({ path }, new Sensitive('{"a":"c"}'), within())

  await check(within())
  for (const path of ['my-kv/google-prov', 'my-kv/bots/one', 'old/kv/smtp']) {
    await t.resolves(read({ path }, within()), `reads ${path}`)
  }
  for (const path of ['my-kv/bots/one', 'my-kv/bots/new']) await t.resolves(put(path), path)
  t.strictSame(await list?.('my-kv/', { limit: 9 }, within()), {
    paths: ['my-kv/bots/new', 'my-kv/bots/one', 'my-kv/google-prov', 'my-kv/other/two']
  })

  t.equal((await faultOf(read({ path: 'my-kv/other/two' }, within()))).reason, 'denied')
  for (const path of ['my-kv/google-prov', 'my-kv/other/two', 'old/kv/smtp']) {
    t.equal((await faultOf(put(path))).reason, 'denied', `does not write ${path}`)
  }
})
