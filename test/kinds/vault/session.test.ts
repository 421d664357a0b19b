/** The life of a token. Where it is renewed, time is handed in. */
import { mock } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { VaultToken } from '../../../src/kinds/vault/answer.ts'
import { type Authority, createSession } from '../../../src/kinds/vault/session.ts'
import { withDeadline } from '../../../src/state/deadline.ts'
import { createLogins } from '../../support/provider-deps.ts'

const patient = () => ({ signal: AbortSignal.timeout(5_000) })
const denied = () => new ProviderFault('denied')
/** What is said of the token is no word of the store's about a secret. */
const disowned = () => new ProviderFault('denied', { isRefusal: true })
const isDead = async () => true
const isAlive = async () => false
const revealed = async (token: Sensitive<string>) => token.reveal()

/** Takes the clock over for one test; what it gives lets so many milliseconds pass, in which renewals are answered. */
const takeClock = (t: Test): ((ms: number) => Promise<void>) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  t.teardown(() => mock.timers.reset())
  return async (ms) => {
    for (let passed = 0; passed < ms; passed++) {
      mock.timers.tick(1)
      await turn()
    }
  }
}

/** As `open`, for tests whose clock would keep a login that takes its time from ending. */
const openAtOnce = (
  grant: Partial<Omit<VaultToken, 'token'>>,
  overrides: Partial<Authority> = {}
) => {
  let logins = 0
  const { ttlSeconds = 3600, renewable = false } = grant
  const login = async () => {
    const token = new Sensitive(`token-${++logins}`)
    return { token, ttlSeconds, renewable }
  }
  return open(grant, { login, ...overrides })
}

/** Grants `token-1`, `token-2` and so on; counts what it is asked for. */
const open = (
  { ttlSeconds = 3600, renewable = false }: Partial<Omit<VaultToken, 'token'>> = {},
  overrides: Partial<Authority> = {},
  now = Date.now
) => {
  const asked = { logins: 0, renewals: 0 }
  const authority: Authority = {
    isAnswered: true,
    credential: async () => ['the credential'],
    login: async () => {
      await sleep(5)
      return { token: new Sensitive(`token-${asked.logins}`), ttlSeconds, renewable }
    },
    renew: async (token) => ({ token, ttlSeconds, renewable }),
    ...overrides
  }
  const session = createSession(
    {
      ...authority,
      login: (credential, options) => {
        asked.logins++
        return authority.login(credential, options)
      },
      renew: (token, options) => {
        asked.renewals++
        return authority.renew(token, options)
      }
    },
    { now, log: () => undefined, logins: createLogins({ now }) }
  )
  return { session, asked }
}

test('nothing is asked for before the first use, and readers at once share one login', async (t) => {
  const { session, asked } = open()
  t.equal(asked.logins, 0)
  const uses = Array.from({ length: 20 }, () => session.use(revealed, isDead, patient()))
  t.strictSame(new Set(await Promise.all(uses)), new Set(['token-1']))
  t.equal(asked.logins, 1)
})

test('a login that failed is tried anew by the next reader', async (t) => {
  let isUp = false
  const login = async () => {
    if (!isUp) throw new ProviderFault('timeout')
    return { token: new Sensitive('good'), ttlSeconds: 60, renewable: false }
  }
  const { session, asked } = open({}, { login })
  await t.rejects(session.use(revealed, isDead, patient()), new ProviderFault('timeout'))
  t.equal(asked.logins, 1, 'and not by the same one')
  isUp = true
  t.equal(await session.use(revealed, isDead, patient()), 'good')
})

test('a reader that gives up does not end the login for the others', async (t) => {
  const login = async () => {
    await sleep(60)
    return { token: new Sensitive('late'), ttlSeconds: 60, renewable: false }
  }
  const { session, asked } = open({}, { login })
  const hasty = withDeadline(
    10,
    (signal) => session.use(revealed, isDead, { signal }),
    () => new ProviderFault('timeout')
  )
  const calm = session.use(revealed, isDead, patient())
  await t.rejects(hasty, new ProviderFault('timeout'))
  t.equal(await calm, 'late')
  t.equal(asked.logins, 1)
})

test('readers who learn together that their token is dead share one new login', async (t) => {
  const { session, asked } = open()
  const call = async (token: Sensitive<string>) => {
    if (token.reveal() === 'token-1') throw denied()
    return token.reveal()
  }
  const uses = Array.from({ length: 20 }, () => session.use(call, isDead, patient()))
  t.strictSame(new Set(await Promise.all(uses)), new Set(['token-2']))
  t.equal(asked.logins, 2)
})

test('a reader who learns late that the token is dead takes its successor, and asks nobody', async (t) => {
  const { session, asked } = open()
  const callAfter = (ms: number) => async (token: Sensitive<string>) => {
    if (token.reveal() !== 'token-1') return token.reveal()
    await sleep(ms)
    throw denied()
  }
  const late = session.use(callAfter(60), isAlive, patient())
  t.equal(await session.use(callAfter(0), isDead, patient()), 'token-2')
  t.equal(await late, 'token-2')
  t.equal(asked.logins, 2)
})

test('a call that stays denied costs one new login and no more', async (t) => {
  const { session, asked } = open()
  let calls = 0
  const call = async () => {
    calls++
    throw denied()
  }
  await t.rejects(session.use(call, isDead, patient()), disowned())
  t.strictSame([calls, asked.logins], [2, 2])
})

test('a denial that is not the fault of the token costs no login', async (t) => {
  const { session, asked } = open()
  const call = async () => {
    throw denied()
  }
  await t.rejects(session.use(call, isAlive, patient()), new ProviderFault('denied'))
  t.equal(asked.logins, 1)
})

test('a token that a new login gives back unchanged is not tried again', async (t) => {
  const login = async () => ({ token: new Sensitive('same'), ttlSeconds: 0, renewable: false })
  const { session } = open({}, { login })
  let calls = 0
  const call = async () => {
    calls++
    throw denied()
  }
  await t.rejects(session.use(call, isDead, patient()), disowned())
  t.equal(calls, 1)
})

test('what may pass is tried once more, unless the peer says when to come back', async (t) => {
  const { session, asked } = open()
  for (const [retryAfterSeconds, expected] of [
    [undefined, 2],
    [7, 1]
  ] as const) {
    let calls = 0
    const call = async () => {
      calls++
      throw new ProviderFault('unavailable', { retryAfterSeconds })
    }
    const fault = new ProviderFault('unavailable', { retryAfterSeconds })
    await t.rejects(session.use(call, isDead, patient()), fault)
    t.equal(calls, expected)
  }
  t.equal(asked.logins, 1)
})

test('what changes something is not tried again where it may have been done', async (t) => {
  const { session, asked } = open()
  const reasons = { unavailable: 1, denied: 2 } as const
  for (const [reason, expected] of Object.entries(reasons)) {
    let calls = 0
    const call = async () => {
      calls++
      throw new ProviderFault(reason as keyof typeof reasons)
    }
    const using = session.use(call, isDead, { ...patient(), changes: true })
    await t.rejects(using, reason === 'denied' ? disowned() : new ProviderFault('unavailable'))
    t.equal(calls, expected, reason)
  }
  t.equal(asked.logins, 2, 'a denial is not the deed: a new login is worth another try')
})

test('a login that was unavailable is tried again before a change too', async (t) => {
  let isUp = false
  const login = async () => {
    if (isUp) return { token: new Sensitive('good'), ttlSeconds: 60, renewable: false }
    isUp = true
    throw new ProviderFault('unavailable')
  }
  const { session } = open({}, { login })
  t.equal(await session.use(revealed, isDead, { ...patient(), changes: true }), 'good')
})

test('a token is not used in the last tenth of its life', async (t) => {
  let time = 0
  const { session } = open({ ttlSeconds: 100 }, {}, () => time)
  for (const [at, expected] of [
    [0, 'token-1'],
    [89_999, 'token-1'],
    [90_000, 'token-2'],
    [200_000, 'token-3']
  ] as const) {
    time = at
    t.equal(await session.use(revealed, isDead, patient()), expected)
  }
})

test('a renewable token is renewed while nobody reads, and stays', async (t) => {
  const pass = takeClock(t)
  const { session, asked } = openAtOnce({ ttlSeconds: 0.1, renewable: true })
  await session.use(revealed, isDead, patient())
  await pass(300)
  t.ok(asked.renewals >= 3, `${asked.renewals} renewals`)
  t.equal(await session.use(revealed, isDead, patient()), 'token-1')
  session.close()
})

test('a token at its maximum is renewed no further and is replaced when it is spent', async (t) => {
  const pass = takeClock(t)
  const endsAt = Date.now() + 150
  const renew = async (token: Sensitive<string>) => ({
    token,
    ttlSeconds: Math.max((endsAt - Date.now()) / 1_000, 0.001),
    renewable: true
  })
  const { session, asked } = openAtOnce({ ttlSeconds: 0.1, renewable: true }, { renew })
  await session.use(revealed, isDead, patient())
  await pass(250)
  t.ok(asked.renewals <= 3, `${asked.renewals} renewals`)
  t.equal(await session.use(revealed, isDead, patient()), 'token-2')
  session.close()
})

test('a renewal that fails is tried again while there is time', async (t) => {
  const pass = takeClock(t)
  let failures = 0
  const renew = async (token: Sensitive<string>) => {
    if (failures++ < 2) throw new ProviderFault('unavailable')
    return { token, ttlSeconds: 60, renewable: true }
  }
  const { session, asked } = openAtOnce({ ttlSeconds: 0.4, renewable: true }, { renew })
  await session.use(revealed, isDead, patient())
  await pass(450)
  t.equal(asked.renewals, 3)
  t.equal(await session.use(revealed, isDead, patient()), 'token-1')
  session.close()
})

test('once closed it renews nothing, and refuses', async (t) => {
  const pass = takeClock(t)
  const { session, asked } = openAtOnce({ ttlSeconds: 0.05, renewable: true })
  await session.use(revealed, isDead, patient())
  session.close()
  session.close()
  await pass(80)
  t.equal(asked.renewals, 0)
  const fault = new ProviderFault('unavailable', { code: 'closed' })
  await t.rejects(session.use(revealed, isDead, patient()), fault)
})
