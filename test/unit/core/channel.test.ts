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
