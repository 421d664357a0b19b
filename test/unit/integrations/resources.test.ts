import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import type { Caller } from '../../../src/core/caller.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { parseConfiguration } from '../../../src/integrations/bot-form.ts'
import { putResource } from '../../../src/integrations/resource-entries.ts'
import { createResources, type Resources } from '../../../src/integrations/resources.ts'
import { createReferenceBook } from '../../../src/kinds/references.ts'
import { type Shared, SharedUnavailable } from '../../../src/state/shared.ts'
import { openState } from '../../support/embedded.ts'
import { randomKeyring } from '../../support/keys.ts'

const CALLER: Caller = { client: 'admin', mode: 'rw', route: 'PUT /x', requestId: 'r', address: '' }

/** Messages between the replicas of a test, which can be lost and come back. */
const openMessages = () => {
  let isConnected = true
  const listeners: ((message: string) => void)[] = []
  const connected: (() => void)[] = []
  const shared: Pick<Shared, 'publish' | 'onMessage' | 'onReconnect'> = {
    publish: async (_topic, message) => {
      if (!isConnected) throw new SharedUnavailable()
      for (const listener of listeners) listener(message)
    },
    onMessage: (topic, listener) => {
      if (topic === 'objects') listeners.push(listener)
    },
    onReconnect: (listener) => void connected.push(listener)
  }
  const disconnect = () => {
    isConnected = false
  }
  const reconnect = () => {
    isConnected = true
    for (const listener of connected) listener()
  }
  return { shared, disconnect, reconnect }
}

const ofFile = parseConfiguration('bot', { name: 'of-file' }).configuration

const openReplicas = (t: Parameters<typeof openState>[0]) => {
  const state = openState(t)
  const sealer = createSealer(randomKeyring().keyring)
  const messages = openMessages()
  const events: string[] = []
  const open = ({ guarded = false } = {}): Resources =>
    createResources({
      state,
      sealer: () => sealer,
      guarded,
      shared: messages.shared,
      configured: () => ({
        bots: new Map([['of-file', ofFile]]),
        providers: new Map(),
        channels: new Map(),
        book: createReferenceBook([{ name: 'local', address: { kind: 'local' } }], new Map())
      }),
      environment: 'dev',
      record: async ({ action, outcome, code, reason, object }) => {
        events.push([action, outcome, code, reason, object].filter(Boolean).join(' '))
        if (object === 'bot unrecorded') throw new Error('no record')
      },
      log: () => {}
    })
  const entries = { state, sealer: () => sealer }
  return { replicas: [open(), open()] as const, open, messages, events, state, entries }
}

const names = (resources: Resources): string[] => resources.all('bots').map(({ name }) => name)

/** The names as soon as they are those expected, or as they are after a while. */
const namesOnce = async (resources: Resources, expected: readonly string[]): Promise<string[]> => {
  for (let turn = 0; turn < 200 && names(resources).join() !== expected.join(); turn++) {
    await sleep(10)
  }
  return names(resources)
}

test('a change at one replica is taken over by the others, also by one that was not connected', async (t) => {
  const { replicas, messages } = openReplicas(t)
  const [here, there] = replicas
  await here.write(CALLER, 'bots', 'one', { credentials: { k: 'v' } })
  t.same(names(here), ['of-file', 'one'])
  t.same(await namesOnce(there, ['of-file', 'one']), ['of-file', 'one'])
  await here.write(CALLER, 'bots', 'two', {})
  t.same(await namesOnce(there, ['of-file', 'one', 'two']), ['of-file', 'one', 'two'])

  messages.disconnect()
  await here.remove(CALLER, 'bots', 'one')
  t.same(names(here), ['of-file', 'two'])
  t.same(names(there), ['of-file', 'one', 'two'], 'it was not told')
  messages.reconnect()
  t.same(await namesOnce(there, ['of-file', 'two']), ['of-file', 'two'])
})

test('however many messages come at once, they are followed by one reading, or by another if one was under way', async (t) => {
  const { replicas, messages, state } = openReplicas(t)
  await replicas[0].write(CALLER, 'bots', 'one', {})
  let readings = 0
  const { list } = state
  t.intercept(state, 'list', {
    value: (prefix: string) => {
      if (prefix === 'runtime/bots/') readings++
      return list(prefix)
    }
  })
  await Promise.all(Array.from({ length: 100 }, () => messages.shared.publish('objects', '')))
  await replicas[0].refresh()
  await replicas[1].refresh()
  t.ok(readings >= 2 && readings <= 4, `${readings} readings by two replicas`)
})

test('what cannot be recorded is not changed, and many changes at once lose none', async (t) => {
  const { replicas, events } = openReplicas(t)
  const [here, there] = replicas
  await t.rejects(here.write(CALLER, 'bots', 'unrecorded', {}))
  await here.refresh()
  t.same(names(here), ['of-file'])
  t.equal(events[0], 'object.write allowed intent bot unrecorded')

  const many = Array.from({ length: 20 }, (_, i) => `bot-${String(i).padStart(2, '0')}`)
  await Promise.all(
    many.map((name, i) => [here, there][i % 2]?.write(CALLER, 'bots', name, { theirs: i }))
  )
  await Promise.all([here.refresh(), there.refresh()])
  t.same(names(here), ['of-file', ...many])
  t.same(names(there), names(here))
})

test('an entry that was moved to another name or damaged is no object', async (t) => {
  const { replicas, state } = openReplicas(t)
  const [here] = replicas
  await here.write(CALLER, 'bots', 'one', { credentials: { k: 'v' } })
  const entry = await state.get('runtime/bots/one')
  t.ok(entry)
  await state.compareAndSet('runtime/bots/moved', undefined, entry)
  await state.compareAndSet('runtime/providers/one', undefined, entry)
  await state.compareAndSet('runtime/bots/damaged', undefined, Buffer.from('{"name":"damaged"}'))
  await here.refresh()
  t.same(names(here), ['of-file', 'one'])
  t.same(here.all('providers'), [])
})

const CHANNEL = {
  bot: 'of-file',
  secrets: ['local:key1'],
  endpoint: 'https://europe.directline.botframework.com',
  trustedOrigins: []
}

test('a channel is the same object until it is changed, whatever else changes', async (t) => {
  const { replicas, state } = openReplicas(t)
  const [here, there] = replicas
  await here.write(CALLER, 'channels', 'chat', CHANNEL)
  await here.write(CALLER, 'channels', 'other', CHANNEL)
  await there.refresh()
  const [first, far] = [here.get('channels', 'chat'), there.get('channels', 'chat')]
  t.match(first, { name: 'chat', endpoint: CHANNEL.endpoint, takesUserIds: true })
  await here.write(CALLER, 'bots', 'one', {})
  await here.write(CALLER, 'channels', 'other', { ...CHANNEL, userIds: 'generated' })
  await here.remove(CALLER, 'channels', 'other')
  await Promise.all([here.refresh(), there.refresh()])
  t.equal(here.get('channels', 'chat'), first)
  t.equal(there.get('channels', 'chat'), far)
  await here.write(CALLER, 'channels', 'chat', { ...CHANNEL, userIds: 'generated' })
  t.match(here.get('channels', 'chat'), { takesUserIds: false })
  t.notOk((await state.get('runtime/channels/chat'))?.includes('local:key1'), 'sealed')
})

test('a channel that an earlier version let lead to this machine is of no use, and is not put again', async (t) => {
  const { replicas, open, entries } = openReplicas(t)
  const [here] = replicas
  const loopback = { ...CHANNEL, endpoint: 'http://127.0.0.1:3000' }
  await putResource(entries, 'channels', 'chat', loopback)
  for (const guarded of [true, false]) {
    const there = open({ guarded })
    await there.refresh()
    t.equal(there.get('channels', 'chat'), undefined)
    t.match(
      (await there.write(CALLER, 'channels', 'chat', loopback).catch((error) => error)).details,
      {
        errors: [{ pointer: '/body/endpoint', rule: 'endpoint' }]
      }
    )
  }
  await here.write(CALLER, 'channels', 'chat', CHANNEL)
  t.ok(here.get('channels', 'chat'))
})
