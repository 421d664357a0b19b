// Which records of the trail say that a client asked for something that a rule decides on.
import { test } from 'tap'
import { askedIn } from '../../../src/cli/asked-for.ts'

const of = (members: Readonly<Record<string, string>>) =>
  askedIn({
    time: '2026-11-21T12:00:00.000Z',
    outcome: 'allowed',
    action: 'secret.read',
    ...members
  })

test('reads, writes and uses of bots and channels are asked for', async (t) => {
  const reference = 'local:team/db?version=2#user'
  t.same(of({ reference }), { list: 'read', what: 'local:team/db#user' })
  t.same(of({ action: 'secret.write', reference }), { list: 'write', what: 'local:team/db#user' })
  t.same(of({ action: 'bot.read', object: 'bot helper' }), { list: 'bots', what: 'helper' })
  for (const action of ['token.issue', 'token.refresh']) {
    t.same(of({ action, object: 'channel web' }), { list: 'channels', what: 'web' })
  }
})

test('what was read for a bot or channel, looked at, tried or configured is not', async (t) => {
  const reference = 'local:team/db'
  for (const members of [
    { reference, reason: 'channel web' },
    { action: 'admin.read', reference, object: 'bot helper' },
    { action: 'token.issue', object: 'channel web', reason: 'tried' },
    { action: 'object.write', object: 'channel web' },
    { action: 'secret.list', reference: 'local:', object: 'client shop' },
    { action: 'admin.read' }
  ]) {
    t.equal(of(members), undefined, JSON.stringify(members))
  }
})
