// The consumers of examples/aura: all that the platform's documentation names get a key, each with no more than it needs.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parseConsumers } from '../../src/config/consumers.ts'
import { covers } from '../../src/core/scope.ts'

const FILE = new URL('../../../examples/aura/clients.yaml', import.meta.url)

test('every consumer of the platform is in the sample list, with the narrowest scope', async (t) => {
  const consumers = parseConsumers(readFileSync(FILE, 'utf8'), 'clients.yaml', {
    environment: 'pro',
    minimumVersion: '8.3.0',
    maxDays: 0
  })
  const scopesOf = (client: string) =>
    consumers
      .filter(({ request }) => request.client === client)
      .flatMap((one) => one.request.scopes)
  for (const channel of ['novum', 'mh', 'mp', 'stb', 'la', 'metaverse']) {
    t.same(scopesOf(channel), ['aura-services:token'], channel)
  }
  t.same(scopesOf('kernel-whatsapp-webhooks'), ['aura-services:whatsapp'])
  t.same(scopesOf('kernel-aura-services'), ['aura-services:users'])
  t.same(scopesOf('kernel-aura-ai-services'), [
    'aura-ai-services:messaging:write',
    'aura-ai-services:nlp-messaging:write'
  ])
  for (const { request } of consumers) {
    for (const scope of request.scopes) {
      t.notOk(covers(scope, 'aura-services:anything'), `${request.client} has no whole tree`)
    }
  }
})
