// Reading all that a plan names, from a service at the wire, and dealing it.
import { type Test, test } from 'tap'
import { deal } from '../../../../src/cli/run/deal.ts'
import type { Plan } from '../../../../src/cli/run/plan.ts'
import { readAll } from '../../../../src/cli/run/read.ts'
import { sessionByFile } from '../../../../src/cli/run/session.ts'
import { Unread } from '../../../../src/cli/run/unread.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { type FakePurser, purserOf, startFakePurser } from '../../../support/fake-purser.ts'

type Wanted = Pick<Plan, 'singles' | 'groups'>

const setUp = async (t: Test) => {
  const fake = await startFakePurser(t)
  const session = sessionByFile(async () => new Sensitive('the-key'))
  const purser = await purserOf(fake, session)
  const read = (plan: Wanted) => readAll(purser, plan, new AbortController().signal)
  const dealt = async (plan: Wanted) => deal(plan, await read(plan), '/own')
  const failure = async (plan: Wanted): Promise<Unread> => {
    const error = await dealt(plan).then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    if (!(error instanceof Unread)) throw error ?? new Error('it was read')
    return error
  }
  return { fake, dealt, failure }
}

const variables = (...refs: string[]): Wanted => ({
  singles: refs.map((ref, i) => ({ ref, variable: `V${i}` })),
  groups: []
})
const inFiles = (prefix: string): Wanted => ({
  singles: [],
  groups: [{ prefix, as: 'files', folder: '/in' }]
})
const inEnv = (prefix: string, variablePrefix = 'APP_'): Wanted => ({
  singles: [],
  groups: [{ prefix, as: 'env', variablePrefix }]
})

const shown = (parts: ReadonlyMap<string, Sensitive<Buffer | string>>) =>
  Object.fromEntries([...parts].map(([name, value]) => [name, value.reveal().toString()]))

test('everything is read in one batch, with the key, and dealt as it is stored', async (t) => {
  const { fake, dealt } = await setUp(t)
  fake.secrets.set('a:x', 'one').set('a:y#f', 'zwei ä\n').set('a:z', { data: '{"n":1.50,"k":"v"}' })
  fake.secrets.set('a:b', { base64: Buffer.from([0, 255, 10]).toString('base64') })
  const plan: Wanted = {
    singles: [
      { ref: 'a:x', variable: 'X' },
      { ref: 'a:x', path: '/f/x' },
      { ref: 'a:y#f', variable: 'Y' },
      { ref: 'a:z', path: '/f/z' },
      { ref: 'a:b', path: '/f/b' }
    ],
    groups: []
  }
  const { variables, files, refs } = await dealt(plan)
  t.strictSame(shown(variables), { X: 'one', Y: 'zwei ä\n' })
  t.equal(files.get('/f/z')?.reveal().toString(), '{"n":1.50,"k":"v"}')
  t.strictSame([...(files.get('/f/b')?.reveal() ?? [])], [0, 255, 10])
  t.equal(files.get('/f/x')?.reveal().toString(), 'one')
  t.strictSame(refs, ['a:x', 'a:y#f', 'a:z', 'a:b'])
  t.equal(fake.asked.length, 1)
  t.match(fake.asked, [{ method: 'GET', path: '/v1/secrets/batch', key: 'the-key' }])
  t.strictSame(fake.asked[0]?.query.getAll('ref'), refs)
})

test('more than a batch takes, or an address, goes into several', async (t) => {
  const { fake, dealt } = await setUp(t)
  const refs = Array.from({ length: 230 }, (_, i) => `a:${'x'.repeat(100)}${i}`)
  for (const ref of refs) fake.secrets.set(ref, ref)
  const { variables: all } = await dealt(variables(...refs))
  t.equal(all.size, 230)
  t.ok(fake.asked.length >= 3 && fake.asked.every(({ query }) => query.size <= 100))
})

test('a group is read page by page', async (t) => {
  const { fake, dealt } = await setUp(t)
  for (let i = 0; i < 7; i++) fake.secrets.set(`a:g/S${i}`, `v${i}`)
  fake.secrets.set('a:other', 'no')
  fake.pageSize = 3
  const { files } = await dealt(inFiles('a:g/'))
  t.strictSame(
    [...files.keys()],
    [0, 1, 2, 3, 4, 5, 6].map((i) => `/in/S${i}`)
  )
  t.equal(fake.asked.length, 3)
  const own = await dealt({ singles: [], groups: [{ prefix: 'a:g/', as: 'files' }] })
  t.ok(own.files.has('/own/S0'))
  t.strictSame(shown((await dealt(inEnv('a:g/'))).variables), {
    APP_S0: 'v0',
    APP_S1: 'v1',
    APP_S2: 'v2',
    APP_S3: 'v3',
    APP_S4: 'v4',
    APP_S5: 'v5',
    APP_S6: 'v6'
  })
})

test('what is not there is named with its code, all at once, and nothing of a value', async (t) => {
  const { fake, failure } = await setUp(t)
  fake.secrets.set('a:x', 'the value').set('a:gone', { problem: 'secret_not_found' })
  fake.secrets.set('a:away', { problem: 'store_unavailable' })
  const refused = await failure(variables('a:x', 'a:no', 'a:gone', 'a:away'))
  t.strictSame(
    refused.lacks.map(({ what, code }) => [what, code]),
    [
      ['a:no', 'access_denied'],
      ['a:gone', 'secret_not_found'],
      ['a:away', 'store_unavailable']
    ]
  )
  t.notOk(refused.isRetryable)
  t.notOk(refused.message.includes('the value'))
  t.ok((await failure(variables('a:x', 'a:away'))).isRetryable)
  t.match((await failure(inFiles('a:nothing/'))).message, /a:nothing\/: nothing_found/)
})

test('a service that does not answer, or no service at all, is said as such', async (t) => {
  const { fake, failure } = await setUp(t)
  fake.failure = { code: 'rate_limited', retryAfter: 7 }
  t.match(await failure(variables('a:x')), { isRetryable: true, retryAfterMs: 7_000 })
  fake.failure = { code: 'insufficient_scope' }
  t.match(await failure(inFiles('a:x/')), {
    isRetryable: false,
    message: /^a:x\/: insufficient_scope/
  })
  fake.failure = 'reset'
  t.match(await failure(variables('a:x')), {
    isRetryable: true,
    message: /^unreachable: .*ECONNRESET/
  })
  fake.failure = undefined
  fake.keys = new Set()
  t.match(await failure(variables('a:x')), { isKeyRefused: true, message: /^invalid_api_key: / })
  t.equal(
    fake.asked.filter(({ key }) => key !== undefined).length,
    5,
    'a refused key is asked twice'
  )
})

const UNFIT: readonly (readonly [string, Parameters<FakePurser['secrets']['set']>[1], RegExp])[] = [
  ['a:nul', 'a\0b', /holds a NUL/],
  ['a:bytes', { base64: '/w==' }, /is no text/],
  ['a:fields', { data: '{"a":1,"b":2}' }, /field_required/],
  ['a:long', 'x'.repeat(131_072), /too long/]
]

test('a value that fits into no variable is refused, and said why', async (t) => {
  const { fake, failure } = await setUp(t)
  for (const [ref, secret, message] of UNFIT) {
    fake.secrets.set(ref, secret)
    const { message: said } = await failure(variables(ref))
    t.match(said, message)
    t.match(said, new RegExp(`^${ref}: `))
  }
})

test('names of a group that lead elsewhere, steer, or are there already start nothing', async (t) => {
  const { fake, failure, dealt } = await setUp(t)
  const names = ['a:g/../x', 'a:g/.hidden', 'a:g/in/deeper', 'a:g/a b', 'a:g/', 'a:g/%2e%2e']
  for (const ref of names) {
    fake.secrets.clear()
    fake.secrets.set('a:g/good', 'v').set(ref, 'v')
    t.match((await failure(inFiles('a:g/'))).message, /unfit/, ref)
  }
  fake.secrets.clear()
  fake.secrets.set('a:p/ATH', 'v')
  t.match((await failure(inEnv('a:p/', 'P'))).message, /a:p\/ATH: unfit/)
  fake.secrets.set('a:g/d-b', 'v').set('a:g/d_b', 'v')
  t.match((await failure(inEnv('a:g/'))).message, /APP_D_B is there already/)
  fake.secrets.delete('a:g/d_b')
  const both: Wanted = { ...inEnv('a:g/'), singles: [{ ref: 'a:g/d-b', variable: 'APP_D_B' }] }
  t.match((await failure(both)).message, /is there already/)
  t.strictSame(shown((await dealt(inEnv('a:g/'))).variables), { APP_D_B: 'v' })
})

test('a set is told from another by what is in it alone', async (t) => {
  const { fake, dealt } = await setUp(t)
  fake.secrets.set('a:g/x', 'one').set('a:g/y', 'two')
  const digests = async () => {
    const { digestOfVariables, digestOfFiles } = await dealt(inFiles('a:g/'))
    return `${digestOfVariables} ${digestOfFiles}`
  }
  const first = await digests()
  t.equal(await digests(), first)
  t.notOk(first.includes('one'))
  for (const [x, y] of [
    ['one', 'twoo'],
    ['onet', 'wo'],
    ['two', 'one']
  ] as const) {
    fake.secrets.set('a:g/x', x).set('a:g/y', y)
    t.not(await digests(), first)
  }
})
