/** What is wrong in one place hides nothing that is wrong in another, and is not told twice. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { parseConfigFile } from '../../../src/config/file.ts'

const faultsOf = (work: () => unknown): string[] => {
  try {
    work()
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
  }
}
const inFile = (text: string): string[] => faultsOf(() => parseConfigFile(text, 'p'))

test('lines, settings, shapes, stores, policies, names, bots and chains are told together', async (t) => {
  const folder = t.testdir({
    '.env': 'what\nPORT=x\nRATE_LIMT_MAX=1\n',
    'purser.yaml': `stores:
  - { name: local, kind: local }
  - { name: odd, kind: lokal }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, colour: red }
  - { name: a, kind: vault, address: "https://a.example", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { ref: "a:kv/x#t" } } }
policies:
  - { client: app, reed: ["local:x"] }
  - { client: "no client", read: ["local:ok", "local:{x", "none:x", "odd:x"], bots: ["a b"] }
secrets: { one: "local:../x", two: "none:x", three: "odd:x", four: 5 }
bots:
  - { name: b, provider: nobody, credentialsSecrets: { k: "none:x", m: "aws:x" } }
channels: [{ name: c }]
colour: red
`
  })
  chmodSync(join(folder, '.env'), 0o600)
  const faults = faultsOf(() => readConfig({}, folder))
  const expected = [
    /^\.env:1 is not of the form/,
    /^PORT must be/,
    /^ENCRYPTION_KEYS is required/,
    /^INTERNAL_SECRET is required/,
    /^purser\.yaml:13:9 colour is not a known member/,
    /^purser\.yaml:7:\d+ policies\.0\.reed is not/,
    /^purser\.yaml:9:\d+ secrets\.four /,
    /^purser\.yaml:3:\d+ stores\.1\.kind must be one of/,
    /^purser\.yaml:4:\d+ stores\.2\.colour is not/,
    /^purser\.yaml:8:\d+ policies\.1\.client is not understood/,
    /^purser\.yaml:8:\d+ policies\.1\.read\.1 is not understood/,
    /^purser\.yaml:8:\d+ policies\.1\.read\.2 names a store that is not configured/,
    /^purser\.yaml:8:\d+ policies\.1\.bots\.0 is not understood/,
    /^purser\.yaml:11:\d+ bots\.0\.provider names a provider/,
    /^purser\.yaml:11:\d+ bots\.0\.credentialsSecrets\.k leads to no configured store/,
    /^purser\.yaml:12:\d+ channels\.0/,
    /^purser\.yaml:9:\d+ secrets\.one /,
    /^purser\.yaml:9:\d+ secrets\.two leads to no configured store/,
    /^purser\.yaml:5:\d+ stores\.3 needs itself/,
    /^\.env:3 RATE_LIMT_MAX is no setting/
  ]
  for (const one of expected) {
    t.ok(
      faults.some((fault) => one.test(fault)),
      String(one)
    )
  }
  const untold = faults.filter((fault) => !expected.some((one) => one.test(fault)))
  t.notMatch(untold.join('\n'), /secrets\.three|read\.3|Secrets\.m/, 'a store at fault is known')
  t.ok(
    untold.every((fault) => /channels\.0/.test(fault)),
    untold.join('\n')
  )
})

test('however many faults of one sort there are, each is told', async (t) => {
  const many = '  - { client: a, reed: [] }\n'.repeat(30)
  t.equal(inFile(`stores: []\npolicies:\n${many}`).length, 30)
})

test('an address leads nowhere for certain only where all stores are known', async (t) => {
  const names =
    'secrets: { a: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", b: "other:x" }\n'
  t.match(inFile(`stores: []\n${names}`), [/secrets\.a leads/, /secrets\.b leads/])
  t.match(inFile(`stores: [{ name: aws, kind: aws-secrets-manager }]\n${names}`), [
    /stores\.0 lacks region/,
    /secrets\.b leads/
  ])
  t.match(inFile(`stores: [{ kind: local }]\n${names}policies: [{ client: a, read: ["x:y"] }]\n`), [
    /stores\.0 lacks name/
  ])
})

test('stores of a list that is at fault itself may be what a policy names', async (t) => {
  const folder = t.testdir({
    'purser.yaml': 'stores: []\npolicies: [{ client: a, read: ["vault-1:x"] }]\n'
  })
  const faults = faultsOf(() => readConfig({ HASHICORP_VAULT_CONFIG: '[{}]' }, folder))
  t.notMatch(faults.join('\n'), /policies/)
  t.match(faults.join('\n'), /HASHICORP_VAULT_CONFIG\[0\]/)
})
