/** The reads of a bot's credentials, before which the route waits for its turn. */
import { test } from 'tap'
import type { Caller } from '../../../src/core/caller.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { BotCredential } from '../../../src/integrations/bot-form.ts'
import { type BotsOptions, createBots } from '../../../src/integrations/bots.ts'

const CALLER: Caller = {
  client: 'app',
  mode: 'r',
  route: 'GET /v1/bots/:name/credentials',
  requestId: 'r',
  address: '127.0.0.1'
}

const configuration = (name: string, refs: number, provider?: string) => ({
  name,
  ...(provider !== undefined && { provider }),
  credentials: new Map<string, BotCredential>([
    ['plain', { plain: new Sensitive('x') }],
    ...Array.from(
      { length: refs },
      (_, n) => [`k${n}`, { ref: `kv:${name}/${n}`, member: 'ref' }] as const
    )
  ])
})

const open = () => {
  const steps: string[] = []
  const kept = { bots: configuration('sample', 3, 'shared'), providers: configuration('shared', 2) }
  const bots = createBots({
    environment: 'dev',
    record: async () => {},
    log: () => {},
    rules: () => ({
      policy: { mayUse: (_client: string, _kind: string, name: string) => name === 'sample' }
    }),
    resources: { get: (kind: 'bots' | 'providers') => kept[kind], all: () => [kept.bots] },
    broker: {
      readSecrets: async (_caller: Caller, wanted: readonly unknown[]) => {
        steps.push(`reads ${wanted.length}`)
        return wanted.map(() => new ProblemError('access_denied'))
      }
    }
  } as unknown as BotsOptions)
  const how = {
    partial: true,
    begin: async (reads: number) => void steps.push(`waits for ${reads}`)
  }
  return { bots, steps, how }
}

test('a turn is waited for by as many reads as there are references, after the decision', async (t) => {
  const { bots, steps, how } = open()
  await bots.readBotCredentials(CALLER, 'sample', how)
  await bots.readProviderCredentials(CALLER, 'shared', how)
  await bots.resolveConfiguration(CALLER, configuration('own', 1).credentials, how)
  const expected = [5, 2, 1].flatMap((reads) => [`waits for ${reads}`, `reads ${reads}`])
  t.strictSame(steps.splice(0), expected)
  await t.rejects(bots.readBotCredentials(CALLER, 'other', how), { code: 'access_denied' })
  t.strictSame(steps, [], 'who may not use it takes nothing of a turn')
})
