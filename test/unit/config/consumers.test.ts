import { test } from 'tap'
import { parseConsumers } from '../../../src/config/consumers.ts'
import { createCanary } from '../../support/canary.ts'

const DEFAULTS = { environment: 'pre', minimumVersion: '8.3.0', maxDays: 0 } as const
const parse = (text: string) => parseConsumers(text, 'clients.yaml', DEFAULTS)

test('what is not said is the environment, no end, and a Secret named after the client', async (t) => {
  t.same(parse('clients: [{ client: A_b, scopes: [x, x], mode: w }]'), [
    {
      request: {
        keyId: undefined,
        client: 'A_b',
        scopes: ['x'],
        mode: 'w',
        environment: 'pre',
        minimumVersion: '8.3.0',
        lifetimeSeconds: undefined
      },
      secretName: 'a-b-purser-key',
      namespace: undefined
    }
  ])
})

test('a list that is not of the right shape is refused, and no fault repeats what it says', async (t) => {
  const canary = createCanary()
  for (const [faulty, message] of [
    ['clients: []', /clients/],
    ['keys: []', /keys is not a known member/],
    ['', /lacks clients/],
    ['clients: [{ client: a, scopes: [b], mode: r, colour: red }]', /colour is not a known/],
    ['clients: [{ client: a, scopes: [b] }]', /lacks mode/],
    ['clients: [{ client: a, scopes: [b], mode: x }]', /mode/],
    ['clients: [{ client: a, client: a, scopes: [b], mode: x }]', /stands twice/],
    [`clients: ["${canary.token.replaceAll(/["\\\\]/g, '')}"]`, /clients\.0/]
  ] as const) {
    t.throws(() => parse(faulty), { name: 'ConfigError', message }, faulty)
  }
})
