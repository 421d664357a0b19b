/** What is remembered of refused logins: how long, by whom, and what ends it; with a clock that is handed in. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { fingerprint } from '../../../src/crypto/fingerprint.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createLogin } from '../../../src/kinds/shared/login.ts'
import { createLoginBoard } from '../../../src/kinds/shared/login-board.ts'
import type { LoginMemoryOptions } from '../../../src/kinds/shared/login-memory.ts'
import { createLogins } from '../../support/provider-deps.ts'
import { createMemoryShared } from '../../support/shared.ts'

const PASSWORD = 'correct horse battery staple'
const ring = createKeyring(['0123456789abcdefghijklmnopqrstuv'])

/** Logins of one store whose peer takes one password; `asked` counts what it was asked. */
const open = (overrides: Partial<LoginMemoryOptions> = {}) => {
  const world = { now: 1_000_000, given: 'wrong', taken: 'right', asked: 0, lines: [] as string[] }
  const now = () => world.now
  const replica = (more: Partial<LoginMemoryOptions> = {}) => {
    const logins = createLogins({
      now,
      random: () => 0,
      fingerprint: (words) => fingerprint(ring.active, words),
      sealer: () => createSealer(ring),
      log: (_, message, fields) => world.lines.push(`${message} ${JSON.stringify(fields)}`),
      ...overrides,
      ...more
    })
    const login = createLogin(
      {
        isAnswered: true,
        credential: async () => [world.given],
        login: async ([password]) => {
          world.asked++
          if (password !== world.taken) throw new ProviderFault('denied', { status: 400 })
          return { password }
        }
      },
      { logins, now }
    )
    return {
      logins,
      login,
      get: () =>
        login.get().then(
          () => 'in',
          (fault) => fault.code ?? 'refused'
        )
    }
  }
  return { world, replica }
}

test('a refused credential is shown again after waits that lock no account, and no sooner', async (t) => {
  const { world, replica } = open()
  const { get } = replica()
  const failedAt: number[] = []
  const start = world.now
  // Two hours, a reader each second.
  for (let second = 0; second < 7_200; second++) {
    const before = world.asked
    await get()
    if (world.asked > before) failedAt.push(second)
    world.now = start + second * 1000 + 1000
  }
  t.ok(failedAt.length <= 12, `${failedAt}`)
  // OpenBao counts failures of which none is a quarter of an hour after the last, and locks at the fifth.
  let counted = 0
  failedAt.forEach((second, i) => {
    const gap = second - (failedAt[i - 1] ?? second)
    counted = gap > 900 ? 1 : counted + 1
    t.ok(counted < 5, `at ${second} s`)
  })
})

test('a mended credential is taken up within seconds', async (t) => {
  const { world, replica } = open()
  const { get, logins } = replica()
  t.equal(await get(), 'refused')
  world.given = 'right'
  world.now += 2_000
  t.equal(await get(), 'in')
  t.match(logins.state(), { state: 'accepted' })
  t.match(world.lines.join(), 'refuses our login')
})

test('a credential that the store takes at last, unchanged, is tried after its wait', async (t) => {
  const { world, replica } = open()
  const { get, logins } = replica()
  await get()
  world.taken = 'wrong'
  world.now += 29_000
  t.equal(await get(), 'login_refused')
  t.match(logins.state(), { state: 'refused', attempts: 1, nextTry: 1_030_000 })
  world.now += 2_000
  t.equal(await get(), 'in')
  t.match(world.lines.at(-1), 'takes our login again')
})

test('a login that shows nothing is tried again each half minute, since nobody sees that it is mended', async (t) => {
  const { world, replica } = open()
  const { get, logins } = replica()
  world.given = ''
  for (let attempts = 1; attempts <= 6; attempts++) {
    await get()
    t.match(logins.state(), { attempts, nextTry: world.now + 30_000 })
    world.now += 30_000
  }
  world.taken = ''
  t.equal(await get(), 'in')
})

test('readers that come together cost one login', async (t) => {
  const { world, replica } = open()
  const { get } = replica()
  await Promise.all(Array.from({ length: 30 }, get))
  t.equal(world.asked, 1)
})

test('what may pass is not remembered', async (t) => {
  const { world, replica } = open()
  const { logins } = replica()
  const fault = new ProviderFault('unavailable', { status: 503 })
  t.equal(await logins.refuse('name', fault), fault)
  t.equal(logins.state(), undefined)
  t.strictSame(world.lines, [])
})

test('replicas that show the same credential share a refusal; others have no part in it', async (t) => {
  const { world, replica } = open({ shared: createMemoryShared().connect() })
  const [one, two] = [replica(), replica()]
  await one.get()
  await two.get()
  t.equal(world.asked, 1)
  t.match(two.logins.state(), { state: 'refused', attempts: 1 })

  world.given = 'right'
  const third = replica()
  t.equal(await third.get(), 'in', 'a replica with the right one is not kept out')

  world.given = 'wrong'
  t.equal(await replica({ place: 'elsewhere' }).get(), 'refused', 'nor one with other settings')
  const others = createKeyring(['another-encryption-key-of-32-byt'])
  const stranger = replica({ fingerprint: (words) => fingerprint(others.active, words) })
  t.equal(await stranger.get(), 'refused')
})

test('replicas that start together show a credential one after the other', async (t) => {
  const { world, replica } = open({ shared: createMemoryShared().connect() })
  await Promise.all(Array.from({ length: 8 }, () => replica().get()))
  t.equal(world.asked, 1)
})

test('a password that is changed while all are logged in is shown by one of them', async (t) => {
  const { world, replica } = open({ shared: createMemoryShared().connect() })
  world.given = 'right'
  const replicas = Array.from({ length: 8 }, () => replica())
  for (const { get } of replicas) t.equal(await get(), 'in')
  world.taken = 'another'
  const before = world.asked
  // Tokens of the same age end together.
  const again = replicas.map(async ({ login, get }) => {
    const used = login.held()
    if (used !== undefined) await login.disown(used, new ProviderFault('denied', { status: 403 }))
    await get()
  })
  await Promise.all(again)
  t.equal(world.asked - before, 1)
})

test('stores of one account share a refusal, also without Redis', async (t) => {
  const { world, replica } = open()
  const shared = createLoginBoard(() => world.now)
  const stores = ['one', 'two', 'three'].map((store) => replica({ shared, store }))
  const failedAt: number[] = []
  const start = world.now
  for (let second = 0; second < 1_000; second++) {
    const before = world.asked
    await Promise.all(stores.map(({ get }) => get()))
    for (let n = before; n < world.asked; n++) failedAt.push(second)
    world.now = start + second * 1000 + 1000
  }
  t.ok(failedAt.length <= 4, `${failedAt}`)
  world.given = 'right'
  world.now += 2_000
  for (const { get } of stores) t.equal(await get(), 'in')
})

test('the end of a refusal reaches the other replicas', async (t) => {
  const { world, replica } = open({ shared: createMemoryShared().connect() })
  const [one, two] = [replica(), replica()]
  await one.get()
  await two.get()
  world.taken = 'wrong'
  one.logins.forget()
  world.now += 2_000
  t.equal(await one.get(), 'in')
  world.now += 2_000
  t.equal(await two.get(), 'in')
})

test('what is shared tells nothing of the credential or the store, and is not believed if it was made up', async (t) => {
  const memory = createMemoryShared()
  const shared = memory.connect()
  const { world, replica } = open({ shared })
  world.given = PASSWORD
  world.taken = PASSWORD
  const { logins, get } = replica()
  const name = logins.nameOf([PASSWORD])
  await logins.refuse(name, new ProviderFault('denied'))
  const [[key, { value }] = ['', { value: Buffer.alloc(0) }]] = [...memory.values]
  for (const text of [PASSWORD, 'tested', 'here', 'denied']) {
    t.notMatch(key, text)
    t.notMatch(value.toString('latin1'), text)
  }
  logins.forget()
  await shared.put(key, Buffer.from(JSON.stringify({ attempts: 9, since: 0, until: 9e12 })), 9e9)
  t.equal(await get(), 'in')
})

test('without an answer of Redis each replica remembers for itself', async (t) => {
  const memory = createMemoryShared()
  memory.away()
  const { world, replica } = open({ shared: memory.connect() })
  const { get } = replica()
  await get()
  world.now += 3_000
  t.equal(await get(), 'login_refused')
  t.equal(world.asked, 1)
})
