import { test } from 'tap'
import { parseChannel, straySecrets } from '../../../src/core/channel.ts'
import { createReferenceBook } from '../../../src/core/reference.ts'

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
