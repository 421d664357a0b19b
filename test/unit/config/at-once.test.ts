/** What is wrong in one place hides nothing that is wrong in another, and is not told twice. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { parseConsumers } from '../../../src/config/consumers.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { parseConfigFile } from '../../support/config-file.ts'

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

test('a part of an entry that is at fault hides nothing that is wrong in the rest of it', async (t) => {
  const faults = inFile(`stores:
  - { name: local, kind: local }
  - { nam: b, kind: aws-secrets-manager, regoin: x, quota: { perSecond: x } }
  - { name: Bad, kind: aws-secrets-manager, proxy: "ftp://x", requireTags: { a: 1 } }
policies:
  - { client: 5, read: ["local:{b", 5, "local:{c", ""], reads: [] }
delegations:
  - { client: "*", clients: [5, "a b"], scopes: ["x y", 5], modes: [x], maxDays: "30" }
  - 5
`)
  const expected = [
    /stores\.1 lacks name/,
    /stores\.1\.nam is not a known member/,
    /stores\.1\.regoin is not a known member/,
    /stores\.1 lacks region/,
    /stores\.1\.quota lacks burst/,
    /stores\.1\.quota\.perSecond must be/,
    /stores\.2\.name must be lower-case/,
    /stores\.2\.proxy must be/,
    /stores\.2\.requireTags\.a must be string/,
    /stores\.2 lacks region/,
    /policies\.0\.client /,
    /policies\.0\.reads is not/,
    /policies\.0\.read\.0 is not understood/,
    /policies\.0\.read\.1 must be string/,
    /policies\.0\.read\.2 is not understood/,
    /policies\.0\.read\.3 is not understood/,
    /delegations\.0\.client must be the name/,
    /delegations\.0\.clients\.0 must be string/,
    /delegations\.0\.clients\.1 /,
    /delegations\.0\.scopes\.0 must be a scope/,
    /delegations\.0\.scopes\.1 must be string/,
    /delegations\.0\.modes\.0 must be one of r, w, rw/,
    /delegations\.0\.maxDays must be/,
    /delegations\.1 must be object/
  ]
  for (const one of expected) {
    const told = faults.filter((fault) => one.test(fault))
    t.equal(told.length, 1, `${one}: ${told.join(' | ')}`)
  }
  t.equal(faults.length, expected.length, faults.join('\n'))
})

test('the consumers of a list are looked at as a whole', async (t) => {
  const defaults = { environment: 'pre', minimumVersion: '8.3.0', maxDays: 30 } as const
  const faults = faultsOf(() =>
    parseConsumers(
      `clients:
  - { client: "a b", scopes: ["x y", 5], mode: q, expires: 1y, colour: red, identifier: x,
      networks: [10.1.0.0/16, 10.1.2.3/16] }
  - { scopes: [], mode: r, environment: prod, namespace: A, expires: 31d }
  - { client: demo, scopes: [a], mode: r }
  - { client: demo, scopes: [a], mode: r }
  - 5
`,
      'c',
      defaults
    )
  )
  const expected = [
    /clients\.0\.colour is not a known member/,
    /clients\.0\.scopes\.1 must be string/,
    /clients\.0\.mode must be one of r, w, rw/,
    /clients\.0\.client must be up to 64/,
    /clients\.0\.scopes\.0 must be a scope/,
    /clients\.0\.networks\.1 must be an address, or a network by its first address/,
    /clients\.0\.identifier must be a UUID/,
    /clients\.0\.expires must be a number of days/,
    /clients\.1 lacks client/,
    /clients\.1\.scopes must not/,
    /clients\.1\.environment must be one of dev, stg, pre, pro/,
    /clients\.1\.namespace must be a name/,
    /clients\.1\.expires is more than API_KEY_MAX_DAYS/,
    /clients\.3\.secretName is that of another/,
    /clients\.4 must be object/
  ]
  for (const one of expected) t.equal(faults.filter((fault) => one.test(fault)).length, 1, `${one}`)
  t.equal(faults.length, expected.length, faults.join('\n'))
})

test('a slip in a setting is told also where the file cannot be understood or is not there', async (t) => {
  const folder = t.testdir({ '.env': 'RATE_LIMT_MAX=1\nCACHE_TTL_SECOND=1\n' })
  chmodSync(join(folder, '.env'), 0o600)
  const isTold = (faults: string[], line: number) =>
    faults.some((fault) => fault.startsWith(`.env:${line} `))
  const missing = faultsOf(() => readConfig({}, folder))
  t.ok(isTold(missing, 1) && isTold(missing, 2), missing.join('\n'))
  t.match(missing.join('\n'), /purser\.yaml is not there; `purser init` writes one/)
  const elsewhere = faultsOf(() => readConfig({ CONFIG_FILE: '/no/where.yaml' }, folder))
  t.match(elsewhere.join('\n'), /^\/no\/where\.yaml is not there/m, 'as the setting has it')
  writeFileSync(join(folder, 'purser.yaml'), 'stores:\n\t- { env: CACHE_TTL_SECOND }\n')
  const faulty = faultsOf(() => readConfig({}, folder))
  t.ok(isTold(faulty, 1), faulty.join('\n'))
  t.notOk(isTold(faulty, 2), 'a store may use it')
})

test('credentials that are not there and names that steer nothing are told beside the faults', async (t) => {
  const folder = t.testdir({
    'purser.yaml': `stores:
  - { name: a, kind: vault, address: "https://a.example", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: NO_SUCH } } }
  - { name: b, kind: vault, adress: x, auth: { method: token, token: { file: none } } }
`
  })
  try {
    readConfig({ MAX_UPLOAD_SIZE_MB: '5' }, folder)
    t.fail('it has faults')
  } catch (error) {
    const { warnings } = error as ConfigError
    t.match(warnings[0], /^MAX_UPLOAD_SIZE_MB: steers nothing here/)
    t.match(
      warnings[1],
      /^purser\.yaml:2:\d+: stores\.0\.auth\.token names a variable that is not set/
    )
    t.match(
      warnings[2],
      /^purser\.yaml:3:\d+: stores\.1\.auth\.token names a file that is not there/
    )
    t.equal(warnings.length, 3)
  }
})

test('a file in the place of the data folder, or a folder in that of purser.yaml, is told before a start', async (t) => {
  const folder = t.testdir({ kept: '', 'purser.yaml': {} })
  const faults = faultsOf(() => readConfig({ DATA_DIR: 'kept' }, folder, true))
  t.ok(faults.includes('DATA_DIR is a file where a folder has to be'), faults.join('\n'))
  t.ok(faults.includes('purser.yaml is no regular file'), faults.join('\n'))
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
