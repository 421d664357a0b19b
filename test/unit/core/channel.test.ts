import { test } from 'tap'
import { parseChannel, straySecrets } from '../../../src/core/channel.ts'
import { createReferenceBook } from '../../../src/kinds/references.ts'

const CHANNEL = {
  name: 'webchat',
  secrets: ['local:key1', 'other:key2'],
  endpoint: 'https://directline.botframework.com/',
  trustedOrigins: ['https://www.example.com']
}

const faultsOf = (value: unknown, guarded = true): string[] =>
  parseChannel(value, { guarded, atRunTime: false }).faults.map(
    ({ path, rule }) => `${path.join('/')} ${rule}`
  )

test('a channel that has another shape is none, and every fault is told without a key that may be a value', async (t) => {
  const strange = { ...CHANNEL, colour: 'red', 'a secret, perhaps': 1, secrets: [], endpoint: 1 }
  t.same(faultsOf(strange).sort(), [
    ' additionalProperties',
    'colour additionalProperties',
    'endpoint type',
    'secrets minItems'
  ])
  t.equal(parseChannel(strange, { guarded: true, atRunTime: false }).channel, undefined)
  for (const value of [undefined, null, 'webchat', [CHANNEL]]) {
    t.same(faultsOf(value), [' type'], String(value))
  }
  t.same(faultsOf({}), [' required'])
})

test('faults beside the shape are told together, and leave what can be checked further', async (t) => {
  const { name, secrets } = CHANNEL
  const faulty = { name: 'a/b', secrets: [...secrets.slice(0, 1), 'local:key1'], endpoint: 'x:y' }
  t.same(faultsOf(faulty), ['name name', 'endpoint endpoint', 'secrets twice', ' origins'])
  const { channel, faults } = parseChannel(
    { ...CHANNEL, bot: 'sample-bot' },
    { guarded: true, atRunTime: false }
  )
  t.same(faults, [])
  t.match(channel, { name, bot: 'sample-bot', endpoint: 'https://directline.botframework.com' })
  const book = createReferenceBook([{ name: 'local', address: { kind: 'local' } }], new Map())
  t.match(channel && straySecrets(channel, book), [
    { code: 'invalid_reference', path: ['secrets', 1], rule: 'unknown_store' }
  ])
})

test('an app service may get a secret by the file, and not by an administrator: anybody may have one', async (t) => {
  const channel = { ...CHANNEL, endpoint: 'https://my-bot.azurewebsites.net/.bot' }
  t.same(parseChannel(channel, { guarded: true, atRunTime: false }).faults, [])
  t.match(parseChannel(channel, { guarded: true, atRunTime: true }).faults, [
    { path: ['endpoint'], message: /^must be one of [^<]*$/ }
  ])
})

test('a port of this machine may get a secret by the file in dev and stg alone, however its address is written', async (t) => {
  const endpointIn = (endpoint: string, place: { guarded: boolean; atRunTime: boolean }) =>
    parseChannel({ ...CHANNEL, endpoint }, place).channel?.endpoint
  for (const [endpoint, normal] of [
    ['http://127.0.0.1:8923', 'http://127.0.0.1:8923'],
    ['http://localhost:8923', 'http://localhost:8923'],
    ['https://LOCALHOST:8923/', 'https://localhost:8923'],
    ['http://0x7f.1:8923', 'http://127.0.0.1:8923'],
    ['http://0x7f000001:8923', 'http://127.0.0.1:8923'],
    ['http://2130706433:8923', 'http://127.0.0.1:8923'],
    ['http://017700000001:8923', 'http://127.0.0.1:8923'],
    ['http://127.1:8923', 'http://127.0.0.1:8923'],
    ['http://127.0.0.1.:8923', 'http://127.0.0.1:8923'],
    ['http://１２７.0.0.1:8923', 'http://127.0.0.1:8923'],
    ['http://%31%32%37.0.0.1:8923', 'http://127.0.0.1:8923'],
    ['http://[::1]:8923', 'http://[::1]:8923'],
    ['http://[0:0:0:0:0:0:0:1]:8923', 'http://[::1]:8923']
  ] as const) {
    t.equal(endpointIn(endpoint, { guarded: false, atRunTime: false }), normal, endpoint)
    for (const guarded of [false, true]) {
      t.equal(endpointIn(endpoint, { guarded, atRunTime: true }), '', `${endpoint} of run time`)
    }
    t.equal(endpointIn(endpoint, { guarded: true, atRunTime: false }), '', `${endpoint} in pro`)
  }
})

test('no other spelling of an address, and no neighbour of a host of Microsoft, gets a secret from anywhere', async (t) => {
  for (const endpoint of [
    'http://[::ffff:127.0.0.1]:8923',
    'http://[::ffff:7f00:1]:8923',
    'http://[::]:8923',
    'http://0:8923',
    'http://0.0.0.0:8923',
    'http://127.0.0.2:8923',
    'http://localhost.:8923',
    'http://a.localhost:8923',
    'http://10.0.0.1',
    'http://169.254.169.254',
    'http://0xa9fea9fe',
    'http://2852039166',
    'http://[fd00:ec2::254]',
    'http://127.0.0.1@10.0.0.1',
    'http://directline.botframework.com',
    'https://directline.botframework.com.',
    'https://directline.botframework.com:8443',
    'https://x.directline.botframework.com',
    'https://directline.botframework.com.example',
    'https://directline.botframework.com@10.0.0.1',
    'https://directline.botframework.com/x',
    'https://directline.botframework.com/?x',
    'ftp://127.0.0.1',
    'file:///etc/passwd'
  ]) {
    for (const guarded of [false, true]) {
      for (const atRunTime of [false, true]) {
        const { faults } = parseChannel({ ...CHANNEL, endpoint }, { guarded, atRunTime })
        t.match(faults, [{ path: ['endpoint'] }], endpoint)
      }
    }
  }
})

test('each kind has the hosts that Microsoft names for it, and none of the other', async (t) => {
  const hosts = {
    directline: [
      'directline.botframework.com',
      'europe.directline.botframework.com',
      'india.directline.botframework.com',
      'directline.botframework.azure.us',
      'directline.botframework.azure.cn'
    ],
    webchat: [
      'webchat.botframework.com',
      'europe.webchat.botframework.com',
      'india.webchat.botframework.com',
      'webchat.botframework.azure.us'
    ]
  }
  const { trustedOrigins, ...bare } = CHANNEL
  for (const [kind, own] of Object.entries(hosts)) {
    for (const host of Object.values(hosts).flat()) {
      const channel = { ...bare, kind, ...(kind === 'directline' && { trustedOrigins }) }
      const faults = faultsOf({ ...channel, endpoint: `https://${host}` })
      t.same(faults, own.includes(host) ? [] : ['endpoint endpoint'], `${kind} ${host}`)
    }
    const channel = { ...bare, kind, endpoint: 'https://a.example', trustedOrigins: [] }
    const [fault] = parseChannel(channel, { guarded: true, atRunTime: true }).faults
    t.equal(fault?.message, `must be one of ${own.map((host) => `https://${host}`).join(', ')}`)
  }
})

test('an extension is of Direct Line alone, at its own path, and is offered where it is taken', async (t) => {
  const { trustedOrigins, ...bare } = CHANNEL
  const endpointIn = (endpoint: string) =>
    parseChannel({ ...CHANNEL, endpoint }, { guarded: true, atRunTime: false }).channel?.endpoint
  const extension = 'https://my-bot.azurewebsites.net/.bot'
  t.equal(endpointIn(extension), extension)
  t.equal(endpointIn(`${extension}/`), extension)
  for (const other of [
    'https://my-bot.azurewebsites.net',
    `${extension}/x`,
    'https://my-bot.azurewebsites.net/x/.bot',
    `${extension}s`,
    'http://my-bot.azurewebsites.net/.bot',
    'https://my-bot.azurewebsites.net:8443/.bot',
    'https://-.azurewebsites.net/.bot',
    'https://a.my-bot.azurewebsites.net/.bot',
    'https://azurewebsites.net/.bot',
    'https://my-bot.azurewebsites.net.example/.bot'
  ]) {
    t.equal(endpointIn(other), '', other)
  }
  t.same(faultsOf({ ...bare, kind: 'webchat', endpoint: extension }), ['endpoint endpoint'])
  const { faults } = parseChannel(
    { ...CHANNEL, endpoint: 'https://a.example' },
    { guarded: true, atRunTime: false }
  )
  t.match(faults, [{ message: /, https:\/\/<app>\.azurewebsites\.net\/\.bot$/ }])
})

test('a credential, a query or a fragment in an address is refused, also where the host is right', async (t) => {
  const host = 'directline.botframework.com'
  for (const endpoint of [
    `https://user@${host}`,
    `https://:word@${host}`,
    `https://user:word@${host}`,
    `https://${host}/?a=b`,
    `https://${host}/#a`,
    `//${host}`,
    host
  ]) {
    t.same(faultsOf({ ...CHANNEL, endpoint }), ['endpoint endpoint'], endpoint)
  }
})

test('an origin is exact and has TLS, but on this machine; webchat has none at all', async (t) => {
  const originsOf = (...trustedOrigins: string[]) => faultsOf({ ...CHANNEL, trustedOrigins })
  t.same(originsOf(), [])
  t.same(originsOf('https://a.example', 'https://a.example:8443', 'http://localhost:3000'), [])
  for (const wrong of [
    'http://a.example',
    'https://a.example/',
    'https://A.example',
    'https://a.example:443',
    'https://*.a.example/x',
    'a.example',
    'null',
    '*'
  ]) {
    t.same(originsOf('https://a.example', wrong), ['trustedOrigins/1 origin'], wrong)
  }
  const { trustedOrigins, ...bare } = CHANNEL
  const webchat = { ...bare, kind: 'webchat', endpoint: 'https://webchat.botframework.com' }
  const parsed = parseChannel(webchat, { guarded: true, atRunTime: false })
  t.same([parsed.faults, parsed.channel?.trustedOrigins], [[], []])
  t.same(faultsOf({ ...webchat, trustedOrigins }), ['trustedOrigins unsupported'])
  t.same(faultsOf({ ...webchat, trustedOrigins: [] }), ['trustedOrigins unsupported'])
})

test('a channel is of Direct Line and takes user ids unless it says otherwise, and has its bounds', async (t) => {
  const parsed = (more: object) =>
    parseChannel({ ...CHANNEL, ...more }, { guarded: true, atRunTime: false }).channel
  t.match(parsed({}), {
    kind: 'directline',
    takesUserIds: true,
    trustedOrigins: ['https://www.example.com']
  })
  t.notOk(Object.hasOwn(parsed({}) ?? {}, 'bot'))
  t.equal(parsed({ userIds: 'given' })?.takesUserIds, true)
  t.equal(parsed({ userIds: 'generated' })?.takesUserIds, false)
  const origins = (count: number) =>
    Array.from({ length: count }, (_, i) => `https://a${i}.example`)
  t.same(faultsOf({ ...CHANNEL, trustedOrigins: origins(100), bot: 'b'.repeat(256) }), [])
  for (const [more, fault] of [
    [{ kind: 'other' }, 'kind enum'],
    [{ userIds: 'other' }, 'userIds enum'],
    [{ bot: '' }, 'bot minLength'],
    [{ bot: 'b'.repeat(257) }, 'bot maxLength'],
    [{ secrets: ['local:a', 'local:b', 'local:c'] }, 'secrets maxItems'],
    [{ endpoint: `https://${'a'.repeat(250)}` }, 'endpoint maxLength'],
    [{ trustedOrigins: origins(101) }, 'trustedOrigins maxItems'],
    [{ trustedOrigins: ['a'.repeat(257)] }, 'trustedOrigins/0 maxLength'],
    [{ trustedOrigins: ['https://a.example', 7] }, 'trustedOrigins/1 type']
  ] as const) {
    t.same(faultsOf({ ...CHANNEL, ...more }), [fault])
  }
})

test('every fault is one of an invalid request, or of an invalid reference with what it was read as', async (t) => {
  const { trustedOrigins, ...bare } = CHANNEL
  for (const value of [
    {},
    { ...bare, name: 'a/b', secrets: ['a:b', 'a:b'], endpoint: 'x:y' },
    { ...CHANNEL, trustedOrigins: ['x'] },
    { ...CHANNEL, kind: 'webchat' }
  ]) {
    const { faults } = parseChannel(value, { guarded: true, atRunTime: false })
    t.ok(faults.length > 0)
    for (const { code } of faults) t.equal(code, 'invalid_request')
  }
  const book = createReferenceBook([{ name: 'local', address: { kind: 'local' } }], new Map())
  const { channel } = parseChannel(
    { ...CHANNEL, secrets: ['local:a/../b', 'local:key'] },
    { guarded: true, atRunTime: false }
  )
  const stray = channel && straySecrets(channel, book)
  t.match(stray, [{ code: 'invalid_reference', path: ['secrets', 0], rule: 'reference' }])
  t.match(stray?.[0]?.message, /^The reference was read as /)
})
