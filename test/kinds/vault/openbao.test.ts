/** Vault as it really behaves: an OpenBao of our own, its engines, its logins and the lives of its tokens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import { vault } from '../../../src/kinds/vault/index.ts'
import { faultOf } from '../../contract/subject.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { type Admin, createAdmin, revokeAll } from './fake.ts'

type Settings = Static<typeof vault.settings>

const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) })

const textOf = async (provider: SecretProvider, path: string, version?: string) =>
  (await provider.read({ path, ...(version !== undefined && { version }) }, within())).text.reveal()

const READER = ['secret/*', 'kv1/*', 'team/kv/*', 'nowhere/*']
  .map((path) => `path "${path}" { capabilities = ["read"] }`)
  .concat('path "secret/data/forbidden" { capabilities = ["deny"] }')
  .join('\n')

/** An AppRole of that name with the policy `reader`; its credentials as they stand at the time of asking. */
const createRole = async (
  admin: Admin,
  name: string,
  tokens: Readonly<Record<string, string>> = {},
  namespace?: string
) => {
  const role = `auth/approle/role/${name}`
  await admin('POST', role, { token_policies: ['reader'], ...tokens }, namespace)
  const { data } = await admin('GET', `${role}/role-id`, undefined, namespace)
  const secret = await admin('POST', `${role}/secret-id`, {}, namespace)
  return { roleId: data['role_id'] ?? '', secretId: secret.data['secret_id'] ?? '' }
}

const setUp = async (admin: Admin, namespace?: string): Promise<void> => {
  await admin('POST', 'sys/policies/acl/reader', { policy: READER }, namespace)
  await admin('POST', 'sys/auth/approle', { type: 'approle' }, namespace)
  await admin('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } }, namespace)
  await admin('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } }, namespace)
}

const mounts: Settings['mounts'] = [
  { path: 'secret', version: 2 },
  { path: 'kv1', version: 1 },
  { path: 'team/kv', version: 2 },
  { path: 'nowhere', version: 2 }
]

test('vault against OpenBao', async (suite) => {
  if (skipWithout(suite, await isInstalled('openbao'))) return
  const peer = await startPeer(suite, 'openbao')
  const admin = createAdmin(peer.url)
  await setUp(admin)

  /** A provider, and how often it has asked for its last credential, which is once a login. */
  const open = async (
    t: Test,
    auth: Settings['auth'],
    credentials: Readonly<Record<string, string>>,
    more: Partial<Settings> = {}
  ) => {
    const asked = { logins: 0 }
    let laterMs = 0
    const deps = createDeps(
      {},
      {
        now: () => Date.now() + laterMs,
        credential: async (where) => {
          asked.logins++
          return new Sensitive(credentials['env' in where ? where.env : ''] ?? '')
        }
      }
    )
    const provider = await vault.connect({ address: peer.url, mounts, auth, ...more }, deps)
    t.teardown(() => provider.close())
    const later = (ms: number): void => {
      laterMs += ms
    }
    return { provider, asked, later }
  }

  const asRole = async (
    t: Test,
    name: string,
    tokens: Readonly<Record<string, string>> = {},
    namespace?: string
  ) => {
    const { roleId, secretId } = await createRole(admin, name, tokens, namespace)
    return open(
      t,
      { method: 'approle', roleId, secretId: { env: 'SECRET_ID' } },
      { SECRET_ID: secretId },
      namespace === undefined ? {} : { namespace }
    )
  }

  const asRoot = async (t: Test) =>
    (await open(t, { method: 'token', token: { env: 'TOKEN' } }, { TOKEN: 'root' })).provider

  await admin('POST', 'secret/data/app', { data: { value: 'first' } })
  await admin('POST', 'secret/data/app', { data: { value: '<second> & "last"' } })

  suite.test('KV 1 is read with every digit, and has no versions', async (t) => {
    const provider = await asRoot(t)
    // The body is given as text, for a number of JavaScript's would lose digits before it was sent.
    const response = await fetch(`${peer.url}/v1/kv1/numbers`, {
      method: 'POST',
      headers: { 'x-vault-token': 'root' },
      body: '{"big":12345678901234567890,"price":1.10}'
    })
    t.equal(response.status, 204)
    const record = await provider.read({ path: 'kv1/numbers' }, within())
    t.equal(record.text.reveal(), '{"big":12345678901234567890,"price":1.10}')
    t.equal(record.version, 'unversioned')
    for (const version of ['1', 'unversioned']) {
      await t.rejects(
        provider.read({ path: 'kv1/numbers', version }, within()),
        new ProviderFault('not_found', { code: 'unversioned' })
      )
    }
    await t.rejects(
      provider.read({ path: 'kv1/absent' }, within()),
      new ProviderFault('not_found', { status: 404 })
    )
  })

  suite.test(
    'a wrong password is not tried again for each reference, and locks no account',
    async (t) => {
      await admin('POST', 'sys/auth/userpass', { type: 'userpass' })
      await admin('POST', 'auth/userpass/users/bob', {
        password: 'right',
        token_policies: 'reader'
      })
      const credentials = { PASSWORD: 'wrong' }
      const auth = {
        method: 'userpass',
        username: 'bob',
        password: { env: 'PASSWORD' }
      } as const
      const { provider, later } = await open(t, auth, credentials)
      for (let i = 0; i < 30; i++) {
        const fault = await faultOf(provider.read({ path: `secret/app-${i}` }, within()))
        t.match(fault, { reason: 'denied', isRefusal: true })
        t.match(await faultOf(provider.check(within())), { reason: 'denied' })
      }
      // Five failures would have locked it (OpenBao: user lockout); and the mended password is taken up within seconds.
      credentials.PASSWORD = 'right'
      later(2_000)
      t.match(await textOf(provider, 'secret/app'), 'second')
    }
  )

  suite.test(
    'a role without the default policy is not taken for a dead one by what it may not read',
    async (t) => {
      const { provider, asked } = await asRole(t, 'bare', {
        token_no_default_policy: true as never
      })
      for (const path of ['secret/forbidden', 'secret/forbidden', 'secret/forbidden']) {
        const fault = await faultOf(provider.read({ path }, within()))
        t.match(fault, { reason: 'denied' })
        t.equal(fault.isRefusal, undefined)
      }
      t.match(await textOf(provider, 'secret/app'), 'second')
      t.equal(asked.logins, 1)
    }
  )

  suite.test(
    'a token that the server does not know is refused once, and one that is mended read with',
    async (t) => {
      const credentials = { TOKEN: 's.nosuchtoken' }
      const { provider, later } = await open(
        t,
        { method: 'token', token: { env: 'TOKEN' } },
        credentials
      )
      for (let i = 0; i < 5; i++) {
        t.match(await faultOf(provider.read({ path: 'secret/app' }, within())), {
          reason: 'denied',
          isRefusal: true
        })
      }
      credentials.TOKEN = 'root'
      later(2_000)
      t.match(await textOf(provider, 'secret/app'), 'second')
    }
  )

  suite.test('a wrapped secret id is unwrapped once, and kept for the next login', async (t) => {
    const { roleId } = await createRole(admin, 'wrapped')
    const wrap = async () => {
      const response = await fetch(`${peer.url}/v1/auth/approle/role/wrapped/secret-id`, {
        method: 'POST',
        headers: { 'x-vault-token': 'root', 'x-vault-wrap-ttl': '60s' }
      })
      const { wrap_info } = (await response.json()) as { wrap_info: { token: string } }
      return wrap_info.token
    }
    const credentials = { WRAPPED: await wrap() }
    const auth: Settings['auth'] = {
      method: 'approle',
      roleId,
      secretId: { env: 'WRAPPED', wrapped: true }
    }
    const { provider } = await open(t, auth, credentials)
    t.match(await textOf(provider, 'secret/app'), 'second')
    await revokeAll(admin, 'wrapped')
    t.match(await textOf(provider, 'secret/app'), 'second')

    // A wrapping token that somebody has used already says so, and a new one is taken up.
    const other = await open(t, auth, credentials)
    for (let i = 0; i < 3; i++) {
      t.match(await faultOf(other.provider.read({ path: 'secret/app' }, within())), {
        reason: 'misconfigured'
      })
    }
    credentials.WRAPPED = await wrap()
    other.later(2_000)
    t.match(await textOf(other.provider, 'secret/app'), 'second')
  })

  suite.test('a mount may have several segments', async (t) => {
    await admin('POST', 'team/kv/data/deep/er', { data: { value: 'found' } })
    t.equal(await textOf(await asRoot(t), 'team/kv/deep/er'), '{"value":"found"}')
  })

  suite.test('KV 2 gives each version, and says of one that is gone that it is', async (t) => {
    const provider = await asRoot(t)
    t.equal(JSON.parse(await textOf(provider, 'secret/app')).value, '<second> & "last"')
    t.equal(await textOf(provider, 'secret/app', '1'), '{"value":"first"}')

    for (const value of ['one', 'two', 'three']) {
      await admin('POST', 'secret/data/gone', { data: { value } })
    }
    await admin('POST', 'secret/delete/gone', { versions: [2] })
    await admin('POST', 'secret/destroy/gone', { versions: [1] })
    for (const version of ['1', '2']) {
      await t.rejects(
        provider.read({ path: 'secret/gone', version }, within()),
        new ProviderFault('not_found', { code: 'deleted', status: 404 })
      )
    }
    t.equal(await textOf(provider, 'secret/gone'), '{"value":"three"}')
    await admin('DELETE', 'secret/data/gone')
    await t.rejects(
      provider.read({ path: 'secret/gone' }, within()),
      new ProviderFault('not_found', { code: 'deleted', status: 404 })
    )
  })

  suite.test(
    'a mount that is not there, or of another version, is a misconfiguration',
    async (t) => {
      const provider = await asRoot(t)
      await t.rejects(
        provider.read({ path: 'nowhere/a' }, within()),
        new ProviderFault('misconfigured', { code: 'no_such_route', status: 404 })
      )
      const { provider: confused } = await open(
        t,
        { method: 'token', token: { env: 'TOKEN' } },
        { TOKEN: 'root' },
        { mounts: [{ path: 'secret', version: 1 }] }
      )
      await t.rejects(
        confused.read({ path: 'secret/app' }, within()),
        new ProviderFault('misconfigured', { code: 'wrong_kv_version', status: 404 })
      )
    }
  )

  suite.test('an AppRole logs in once, for reads and checks alike', async (t) => {
    const { provider, asked } = await asRole(t, 'plain')
    await provider.check(within())
    await Promise.all(Array.from({ length: 20 }, () => textOf(provider, 'secret/app')))
    t.equal(asked.logins, 1)
  })

  suite.test('everything stays within the namespace of the store', async (t) => {
    await admin('POST', 'sys/namespaces/tenant')
    await setUp(admin, 'tenant')
    await admin('POST', 'kv1/app', { value: 'of the tenant' }, 'tenant')
    await admin('POST', 'kv1/app', { value: 'of the root' })
    const { provider } = await asRole(t, 'tenants', {}, 'tenant')
    await provider.check(within())
    t.equal(await textOf(provider, 'kv1/app'), '{"value":"of the tenant"}')

    const token = { method: 'token', token: { env: 'TOKEN' } } as const
    const { provider: lost } = await open(t, token, { TOKEN: 'root' }, { namespace: 'no-such' })
    const fault = await lost.read({ path: 'kv1/app' }, within()).catch((error: unknown) => error)
    t.match(fault, { reason: 'misconfigured', code: 'no_such_route' })
  })

  suite.test('a user name may have all the characters that the server allows', async (t) => {
    await admin('POST', 'sys/auth/people/userpass', { type: 'userpass' })
    const username = 'svc.purser-1_x.Y'
    const password = 'pä"ss\\wörd & #?'
    await admin('POST', `auth/people/userpass/users/${encodeURIComponent(username)}`, {
      password,
      token_policies: 'reader'
    })
    const { provider } = await open(
      t,
      { method: 'userpass', username, password: { env: 'PASSWORD' }, mount: 'people/userpass' },
      { PASSWORD: password }
    )
    t.equal(await textOf(provider, 'secret/app', '1'), '{"value":"first"}')
  })

  suite.test('a refused login is a denial, which the right credential ends', async (t) => {
    const { roleId, secretId } = await createRole(admin, 'late')
    const credentials = { SECRET_ID: 'wrong' }
    const { provider, asked, later } = await open(
      t,
      { method: 'approle', roleId, secretId: { env: 'SECRET_ID' } },
      credentials
    )
    const refused = new ProviderFault('denied', { code: 'login', status: 400, isRefusal: true })
    await t.rejects(provider.read({ path: 'secret/app' }, within()), refused)
    await t.rejects(provider.check(within()), refused)
    t.equal(asked.logins, 1)
    credentials.SECRET_ID = secretId
    later(2_000)
    await provider.check(within())
  })

  suite.test('what the policy denies costs no new login', async (t) => {
    const { provider, asked } = await asRole(t, 'curious')
    await admin('POST', 'secret/data/forbidden', { data: { value: 'x' } })
    await t.rejects(
      provider.read({ path: 'secret/forbidden' }, within()),
      new ProviderFault('denied', { status: 403 })
    )
    t.equal(asked.logins, 1)
  })

  suite.test(
    'a token that is revoked in its life is replaced by one login for all readers',
    async (t) => {
      const { provider, asked } = await asRole(t, 'revoked')
      await textOf(provider, 'secret/app')
      await revokeAll(admin, 'revoked')
      await Promise.all(Array.from({ length: 10 }, () => textOf(provider, 'secret/app')))
      t.equal(asked.logins, 2)
      await revokeAll(admin, 'revoked')
      await provider.check(within())
      t.equal(asked.logins, 3)
    }
  )

  suite.test('a configured token that is dead is denied, and its successor taken up', async (t) => {
    const create = async () => (await admin('POST', 'auth/token/create', {})).auth.client_token
    const credentials = { TOKEN: await create() }
    const { provider, later } = await open(
      t,
      { method: 'token', token: { env: 'TOKEN' } },
      credentials
    )
    await textOf(provider, 'secret/app')
    await admin('POST', 'auth/token/revoke', { token: credentials.TOKEN })
    await t.rejects(
      provider.read({ path: 'secret/app' }, within()),
      new ProviderFault('denied', { status: 403, isRefusal: true })
    )
    credentials.TOKEN = await create()
    later(2_000)
    await textOf(provider, 'secret/app')
  })

  suite.test('a configured token without the default policy still reads', async (t) => {
    const { auth } = await admin('POST', 'auth/token/create', {
      policies: ['reader'],
      no_default_policy: true
    })
    const { provider } = await open(
      t,
      { method: 'token', token: { env: 'TOKEN' } },
      { TOKEN: auth.client_token }
    )
    await textOf(provider, 'secret/app')
  })

  suite.test(
    'a short token is renewed for as long as the server allows, then replaced',
    async (t) => {
      const lasting = await asRole(t, 'lasting', { token_ttl: '1s' })
      const limited = await asRole(t, 'limited', { token_ttl: '1s', token_max_ttl: '2s' })
      const both = [lasting, limited]
      for (const { provider } of both) await textOf(provider, 'secret/app')
      await sleep(3_000)
      for (const { provider } of both) await textOf(provider, 'secret/app')
      t.equal(lasting.asked.logins, 1, 'three times its first life later it is the same token')
      t.equal(limited.asked.logins, 2)
    }
  )

  suite.test('a quota of the server is heard, with its hint when to come back', async (t) => {
    const provider = await asRoot(t)
    await admin('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true })
    await admin('POST', 'sys/quotas/rate-limit/kv1', { path: 'kv1', rate: 0.1, interval: '10s' })
    const faults: unknown[] = []
    for (let i = 0; i < 3; i++) {
      await textOf(provider, 'kv1/app').catch((error: unknown) => faults.push(error))
    }
    await admin('DELETE', 'sys/quotas/rate-limit/kv1')
    t.match(faults.at(-1), { reason: 'throttled', status: 429, retryAfterSeconds: Number })
  })

  // Last, for nothing can be read afterwards.
  suite.test('a sealed server is unavailable', async (t) => {
    const { provider } = await asRole(t, 'sealed')
    await textOf(provider, 'secret/app')
    await admin('POST', 'sys/seal')
    await t.rejects(
      provider.read({ path: 'secret/app' }, within()),
      new ProviderFault('unavailable', { status: 503 })
    )
  })
})
