// `purser key issue-all` as a process: a key for each listed consumer, or none at all.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { openApiKey } from '../../src/keys/api-key.ts'
import { createDirectory } from '../support/embedded.ts'
import { runPurser } from '../support/purser-process.ts'

const [OLD, NEW] = [newEncryptionKey(), newEncryptionKey()]
const env = { ENCRYPTION_KEYS: `${OLD},${NEW}`, ENVIRONMENT: 'pre' }
const keyring = createKeyring([NEW])
const ID = '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55'
const LIST = `clients:
  - { client: aura-bot, scopes: ["aura-services:secrets", "aura-services:bots"], mode: r, expires: 90d, namespace: aura-pre }
  - { client: Kernel_1, scopes: ["aura-services:whatsapp"], mode: w, environment: pro, identifier: ${ID.toUpperCase()} }
  - client: novum
    scopes: [aura-services:token]
    mode: rw
    secretName: novum.auth
`

const setUp = (t: Test, list = LIST) => {
  const folder = createDirectory(t)
  writeFileSync(join(folder, 'clients.yaml'), list)
  const issueAll = (args: string[] = [], more: Record<string, string> = {}) =>
    runPurser(t, folder, ['key', 'issue-all', 'clients.yaml', ...args], {
      env: { ...env, ...more }
    })
  return { folder, issueAll }
}

test('each client gets a key under the active encryption key, as JSON with its claims', async (t) => {
  const { issueAll } = setUp(t)
  const { code, stdout, stderr } = await issueAll(['--format', 'json'])
  t.equal(code, 0)
  t.match(stderr, `3 keys, sealed with ${keyring.active.kid}`)
  const issued: { apiKey: string; issuedAt: string; expiresAt: string }[] = JSON.parse(stdout)
  t.match(issued, [
    {
      client: 'aura-bot',
      scopes: ['aura-services:secrets', 'aura-services:bots'],
      mode: /^r$/,
      environment: 'pre',
      minimumVersion: '8.3.0'
    },
    { client: 'Kernel_1', keyId: ID, mode: /^w$/, environment: 'pro' },
    { client: 'novum', mode: 'rw', environment: 'pre' }
  ])
  const life = Date.parse(issued[0]?.expiresAt ?? '') - Date.parse(issued[0]?.issuedAt ?? '')
  t.equal(life, 90 * 86_400_000)
  for (const { apiKey, ...claims } of issued) {
    const { client, keyId } = claims as unknown as { client: string; keyId: string }
    t.match(await openApiKey(keyring, apiKey), { client, keyId })
  }
})

test('the manifests are Secrets of Kubernetes with a ready authorization header', async (t) => {
  const { issueAll } = setUp(t)
  const { stdout } = await issueAll(['--format', 'kubernetes'])
  const secrets = parseAllDocuments(stdout).map((document) => document.toJS())
  t.match(secrets, [
    { metadata: { name: 'aura-bot-purser-key', namespace: 'aura-pre' } },
    { metadata: { name: 'kernel-1-purser-key', annotations: { 'purser/key-id': ID } } },
    { metadata: { name: 'novum.auth' } }
  ])
  for (const { apiVersion, kind, type, stringData, data } of secrets) {
    t.same([apiVersion, kind, type, data], ['v1', 'Secret', 'Opaque', undefined])
    t.same(Object.keys(stringData), ['AURA_AUTHORIZATION_HEADER'])
    t.match(stringData.AURA_AUTHORIZATION_HEADER, /^Bearer purser_(pre|pro)_[A-Za-z0-9_.-]+$/)
  }
  t.notOk('namespace' in secrets[1].metadata)
})

test('the table has a line for each client, and a file is new and its owner’s alone', async (t) => {
  const { folder, issueAll } = setUp(t)
  const { stdout } = await issueAll()
  const lines = stdout.trim().split('\n')
  t.equal(lines.length, 4)
  t.match(lines[1], /^aura-bot +[0-9a-f-]{36} +r +pre +\d{4}-.+Z +\S+,\S+ +purser_pre_\S+$/)
  const written = await issueAll(['--output', 'keys.json', '--format', 'json'])
  t.match(written, { code: 0, stdout: '' })
  const file = join(folder, 'keys.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const before = readFileSync(file, 'utf8')
  t.equal(parse(before).length, 3)
  t.match(await issueAll(['--output', 'keys.json']), { code: 1, stderr: /exists already/ })
  t.equal(readFileSync(file, 'utf8'), before)
})

test('every fault is told with its line, and no key is issued', async (t) => {
  const { folder, issueAll } = setUp(
    t,
    `clients:
  - { client: good, scopes: [aura-services], mode: r }
  - { client: "a b", scopes: ["x y"], mode: r, expires: 90, identifier: 5 }
`
  )
  const shape = await issueAll(['--output', 'keys'])
  t.match(shape, { code: 1, stdout: '' })
  t.match(shape.stderr, /clients\.yaml:3:\d+: clients\.1\.expires/)
  t.match(shape.stderr, /clients\.yaml:3:\d+: clients\.1\.identifier/)
  t.notOk(existsSync(join(folder, 'keys')))

  const list = `clients:
  - { client: good, scopes: [aura-services], mode: r, identifier: ${ID} }
  - { client: "a b", scopes: ["x y"], mode: r, expires: "90" }
  - { client: good, scopes: [a], mode: r, expires: 31d, identifier: ${ID}, namespace: "A" }
  - { client: good, scopes: [a], mode: r }
  - { client: a.-b, scopes: [a], mode: r }
`
  const rules = await setUp(t, list).issueAll([], { API_KEY_MAX_DAYS: '30' })
  t.match(rules, { code: 1, stdout: '' })
  for (const place of [
    '1.client must',
    '1.scopes.0 must',
    '1.expires must',
    '2.expires is more than API_KEY_MAX_DAYS: 30',
    '2.identifier stands twice',
    '2.namespace must',
    '3.secretName is that of another',
    '4.secretName must'
  ]) {
    t.ok(rules.stderr.includes(`clients.${place}`), place)
  }
  t.match(await runPurser(t, folder, ['key', 'issue-all', 'none.yaml'], { env }), { code: 1 })
})
