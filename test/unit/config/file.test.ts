import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { ConfigError } from '../../../src/config/fault.ts'
import { readConfigFile } from '../../../src/config/file.ts'
import { parseReference } from '../../../src/core/reference.ts'
import { createCanary } from '../../support/canary.ts'
import { parseConfigFile } from '../../support/config-file.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

const faultsOf = (text: string): string[] => {
  try {
    parseConfigFile(text, 'purser.yaml')
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
  }
}

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

const STORES = 'stores:\n  - { name: local, kind: local }\n'

test('stores, policies and names are read', async (t) => {
  const config = parseConfigFile(
    `${STORES}  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, accounts: ["123456789012"] }
policies:
  - { client: [a, b], read: ["aws:acme/*"] }
secrets: { smtp: "aws:acme/smtp#password" }
providers: []
`,
    'purser.yaml'
  )
  t.same(
    config.stores.map(({ name, address }) => [name, address.kind]),
    [
      ['local', 'local'],
      ['aws', 'aws-secrets-manager']
    ]
  )
  t.match(parseReference('smtp', config.book), {
    store: 'aws',
    path: 'acme/smtp',
    field: 'password'
  })
})

test('any store may have a quota of its own', async (t) => {
  const { stores } = parseConfigFile(
    'stores:\n  - { name: local, kind: local, quota: { perSecond: 0.5, burst: 2 } }\n',
    'purser.yaml'
  )
  t.same(stores[0]?.quota, { perSecond: 0.5, burst: 2 })
  for (const quota of [
    '{ perSecond: 1 }',
    '{ perSecond: 0, burst: 1 }',
    '{ perSecond: 1, burst: 0 }',
    '{ perSecond: 1, burst: 1.5 }',
    '{ perSecond: fast, burst: 1 }',
    '{ perSecond: 1, burst: 1, perMinute: 1 }'
  ]) {
    const faults = faultsOf(`stores: [{ name: local, kind: local, quota: ${quota} }]`)
    t.match(faults, [/ stores.0.quota/], quota)
  }
})

test('a byte order mark before the file is no part of it, and no text in another coding is guessed at', async (t) => {
  const file = join(t.testdir(), 'purser.yaml')
  writeFileSync(file, `\uFEFF${STORES}`)
  t.equal(readConfigFile(file, 'purser.yaml').file.stores.length, 1)
  for (const [bytes, message] of [
    [Buffer.from(`\uFEFF${STORES}`, 'utf16le'), 'is UTF-16: save it as UTF-8'],
    [Buffer.from(`${STORES}# \xe9`, 'latin1'), 'is not UTF-8 text']
  ] as const) {
    writeFileSync(file, bytes)
    t.match(
      thrownBy(() => readConfigFile(file, 'x.yaml')),
      { faults: [{ place: 'x.yaml', message }] }
    )
  }
})

test('each fault is reported with its line, and all at once', async (t) => {
  for (const [text, ...expected] of [
    ['', /purser.yaml:1:1 lacks stores|purser.yaml lacks stores/],
    ['stores: [}', /purser.yaml:1:\d+ is not valid YAML/],
    [`${STORES}colour: red\n`, /^purser.yaml:3:\d+ colour is not a known member/],
    [
      'stores:\n  - { name: local, kind: lokal }\n',
      /^purser.yaml:2:\d+ stores.0.kind must be one of/
    ],
    [
      'stores:\n  - { name: local, kind: local, region: x }\n',
      /^purser.yaml:2:\d+ stores.0.region is not a known/
    ],
    ['stores:\n  - { name: arn, kind: local }\n', /stores.0.name must be/],
    ['stores:\n  - { name: UPPER, kind: local }\n', /stores.0.name must be/],
    [
      `${STORES}  - { name: local, kind: local }\n`,
      /^purser.yaml:3:\d+ stores.1.name stands twice/
    ],
    [`${STORES}  - { name: aws, kind: aws-secrets-manager }\n`, /stores.1 lacks region/],
    [
      `${STORES}policies: [{ client: a, read: ["other:x"] }]\n`,
      /^purser.yaml:3:\d+ policies.0.read.0 names a store/
    ],
    [
      `${STORES}policies: [{ client: a, write: ["local:x#f"] }]\n`,
      /policies.0.write.0 never matches: a write is of a whole secret/
    ],
    [
      `${STORES}policies: [{ client: a, read: ["local:x"], until: 2027-02-30 }]\n`,
      /^purser.yaml:3:\d+ policies.0.until must be a day such as 2027-01-31, at whose end in UTC/
    ],
    [`${STORES}policies: [{ client: a, reed: [] }]\n`, /policies.0.reed is not a known member/],
    [
      `${STORES}policies: [{ client: a, read: ["local:{a"] }]\n`,
      /^purser.yaml:3:\d+ policies.0.read.0 /
    ],
    [`${STORES}secrets: { "bad name": "local:x" }\n`, /secrets.bad name must be/],
    [`${STORES}secrets: { batch: "local:x" }\n`, /secrets.batch is taken/],
    [`${STORES}secrets: { a: "local:../x" }\n`, /^purser.yaml:3:\d+ secrets.a /],
    [`${STORES}secrets: { a: "other:x" }\n`, /secrets.a leads to no configured store/],
    [`${STORES}secrets: { a: b, b: "local:x" }\n`, /secrets.a must be a reference/],
    [`${STORES}channels: [{ name: x }]\n`, /channels/],
    [`a: &x 1\nb: *x\n`, /aliases are not read/],
    [
      `stores:\n  - { name: local, kind: local, x: 1 }\n  - { name: other, kind: none }\npolicies: [{ client: "", read: [] }]\n`,
      /stores.0.x/,
      /stores.1.kind/,
      /policies.0/
    ]
  ] as const) {
    const faults = faultsOf(text).join('\n')
    for (const pattern of expected) t.match(faults, pattern, text)
  }
})

const OBJECTS = `${STORES}providers:
  - name: my_google
    type: google
    credentials: { clientEmail: service@my-project }
    credentialsSecrets: { privateKey: local:google#privateKey }
bots:
  - { name: sample-bot, displayName: Sample bot, provider: my_google, theirs: { x: 1 }, credentials: { a: b } }
  - { name: alone }
`

test('bots and their providers are read, with whatever else is theirs', async (t) => {
  const { bots, providers } = parseConfigFile(OBJECTS, 'purser.yaml')
  t.match(bots.get('sample-bot'), { displayName: 'Sample bot', provider: 'my_google' })
  t.same([...(providers.get('my_google')?.credentials.keys() ?? [])], ['clientEmail', 'privateKey'])
  t.same([...bots.keys()], ['sample-bot', 'alone'])
})

test('every fault of bots and providers is reported with its line', async (t) => {
  const faults = faultsOf(`${STORES}providers:
  - { name: p, credentialsAwsSecret: { k: x } }
  - { name: p, credentials: { k: x }, credentialsSecrets: { k: local:a } }
bots:
  - { name: a, provider: other }
  - { name: b, credentialsVault: { k: "local:a" } }
  - { name: c, credentialsAzureSecrets: { k: "https://other.vault.azure.net/secrets/x" } }
  - { name: "d e", credentialsSecrets: { k: "local:../x" } }
  - text
`)
  t.match(faults, [
    /^purser.yaml:4:\d+ providers.0.credentialsAwsSecret looks like a member for credentials/,
    /^purser.yaml:5:\d+ providers.1.credentials.k stands in two members/,
    /^purser.yaml:5:\d+ providers.1.credentialsSecrets.k stands in two members/,
    /^purser.yaml:5:\d+ providers.1.name stands twice/,
    /^purser.yaml:7:\d+ bots.0.provider names a provider that is not configured/,
    /^purser.yaml:8:\d+ bots.1.credentialsVault.k does not have the form/,
    /^purser.yaml:9:\d+ bots.2.credentialsAzureSecrets.k leads to no configured store/,
    /^purser.yaml:10:\d+ bots.3.name must be/,
    /^purser.yaml:10:\d+ bots.3.credentialsSecrets.k The reference was read as/,
    /^purser.yaml:11:\d+ bots.4 does not have the type/
  ])
  t.equal(faults.length, 10)
})

const vault = (name: string, ref: string): string =>
  `  - { name: ${name}, kind: vault, address: "https://${name}.internal:8200", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { ref: "${ref}" } } }\n`

test('a member under which everything is commented out is no member', async (t) => {
  t.same(faultsOf(`${STORES}policies:\n  # - client: a\nsecrets:\n`), [])
})

test('a member that stands twice is refused, however many there are', async (t) => {
  t.match(faultsOf(`${STORES}secrets:\n  a: local:x\n  b: local:x\n  "a": local:y\n`), [
    /^purser.yaml:6:3 stands twice$/
  ])
  t.match(faultsOf(`${STORES}stores: []\n`), [/^purser.yaml:3:1 stands twice$/])
  const names = Array.from({ length: 20_000 }, (_, i) => `  name-${i}: local:x-${i}`)
  const used = startCpuWatch()
  t.same(faultsOf(`${STORES}secrets:\n${names.join('\n')}\n`), [])
  t.ok(used() < 3_000, 'in time that grows with the file, not with its square')
})

test('of a login only what was meant is complained about', async (t) => {
  const withAuth = (auth: string): string =>
    faultsOf(
      `${STORES}  - { name: v, kind: vault, address: "https://v", mounts: [{ path: kv, version: 2 }], auth: ${auth} }\n`
    ).join('\n')
  t.match(
    withAuth('{ method: approle, secretId: { file: x } }'),
    /^purser.yaml:3:\d+ stores.1.auth lacks roleId$/
  )
  t.match(
    withAuth('{ method: approle, roleId: x, secretId: { fil: x } }'),
    /^purser.yaml:3:\d+ stores.1.auth.secretId must be given as one of { env }, { file }, { ref }$/
  )
  t.match(
    withAuth('{ method: token, token: { env: X }, extra: 1 }'),
    /^\S+ stores.1.auth.extra is not a known member$/
  )
  const methods =
    '{ method: token }, { method: approle }, { method: userpass }, { method: kubernetes }, { method: jwt }'
  for (const wrong of ['{ method: nope }', '{}', 'text']) {
    t.match(
      withAuth(wrong),
      new RegExp(`^\\S+ stores.1.auth must be given as one of ${methods}$`),
      wrong
    )
  }
  t.match(
    withAuth('{ method: approle, roleId: 5, mount: /x/ }').split('\n'),
    [
      /stores.1.auth.roleId must be a text or { env } or { file } or { ref }$/,
      /stores.1.auth.mount is not of the right form: where the method is mounted/
    ],
    'in words, not as a regular expression'
  )
})

test('a store whose credential stands in another is read; one that needs itself is named with all on the way', async (t) => {
  t.same(faultsOf(`${STORES}${vault('a', 'b:kv/x#token')}${vault('b', 'local:x')}`), [])
  t.match(faultsOf(`${STORES}${vault('a', 'other:x')}`), [
    /stores.1 has a credential whose ref leads to no/
  ])
  t.match(faultsOf(`${STORES}${vault('a', 'local:../x')}`), [
    /stores.1 has a credential whose ref is wrong/
  ])
  t.match(faultsOf(`${STORES}${vault('a', 'a:kv/x')}`), [
    /purser.yaml:3:\d+ stores.1 needs itself to log in: a -> a/
  ])
  const round = faultsOf(
    `${STORES}${vault('a', 'b:kv/x')}${vault('b', 'c:kv/x')}${vault('c', 'a:kv/x')}`
  )
  t.match(round, [/stores.1 needs itself to log in: a -> b -> c -> a/])
  t.equal(round.length, 1)
})

test('no fault repeats what the file says', async (t) => {
  const canary = createCanary()
  const quoted = JSON.stringify(canary.token)
  for (const text of [
    `stores: [{ name: ${quoted}, kind: local }]`,
    `stores: [{ name: local, kind: ${quoted} }]`,
    `stores: [{ name: v, kind: vault, address: ${quoted}, mounts: [], auth: { method: token, token: ${quoted} } }]`,
    `${STORES}policies: [{ client: ${quoted} }]`,
    `${STORES}policies: [{ client: a, read: [${quoted}] }]`,
    `${STORES}secrets: { a: ${quoted} }`,
    `${STORES}bots: [{ name: ${quoted}, provider: ${quoted}, credentials: ${quoted} }]`,
    `${STORES}bots: [{ name: b, credentials: { ${quoted}: x }, credentialsVault: { ${quoted}: ${quoted}, k: ${quoted} } }]`,
    `${STORES}providers: [${quoted}]`,
    `${STORES}policies: [{ client: a, bots: [${quoted}] }]`,
    `stores: [ ${canary.token}: { `
  ]) {
    const faults = faultsOf(text)
    t.not(faults.length, 0, text)
    t.same(canary.findIn(faults.join('\n')), [], text)
  }
})

test('administrators are named one by one: by an address or a subject, each once, for one client and mode', async (t) => {
  const read = (entries: string) => `${STORES}administrators: [${entries}]\n`
  const ana = '{ email: ana@example.com, client: operator, mode: rw }'
  t.same(parseConfigFile(read(ana), 'purser.yaml').administrators, [
    { email: 'ana@example.com', client: 'operator', mode: 'rw' }
  ])
  const all = { email: 'a@example.com', subject: '10769150350006150715', client: 'a', mode: 'r' }
  const both = JSON.stringify({ ...all, scopes: ['aura-services:secrets'] })
  t.same(parseConfigFile(read(both), 'purser.yaml').administrators, [JSON.parse(both)])
  t.same(parseConfigFile(STORES, 'purser.yaml').administrators, [])
  for (const [entries, expected] of [
    ['{ email: "*@example.com>", client: a, mode: r }', /email must be one address/],
    ['{ email: example.com, client: a, mode: r }', /email must be one address/],
    ['{ email: "a@example.com,b@example.com", client: a, mode: r }', /email must be one address/],
    [`${ana}, ${ana}`, /administrators\.1\.email stands there twice/],
    ['{ email: a@example.com, client: "*", mode: r }', /client must be the name of a client/],
    ['{ email: a@example.com, client: a, mode: x }', /administrators\.0\.mode/],
    ['{ email: a@example.com, client: a }', /administrators\.0/],
    ['{ client: a, mode: r }', /administrators\.0 needs an email, or the subject/],
    ['{ subject: "", client: a, mode: r }', /administrators\.0\.subject/],
    ['{ subject: "a\u00e9", client: a, mode: r }', /administrators\.0\.subject/],
    [
      '{ subject: a, client: a, mode: r }, { subject: a, client: b, mode: r }',
      /administrators\.1\.subject stands there twice/
    ],
    ['{ email: a@example.com, client: a, mode: r, scopes: [a b] }', /administrators\.0\.scopes/],
    ['{ email: a@example.com, client: a, mode: r, role: a }', /administrators\.0\.role/]
  ] as const) {
    const faults = faultsOf(read(entries))
    t.equal(faults.length, 1, faults.join())
    t.match(faults[0], expected, entries)
  }
})
