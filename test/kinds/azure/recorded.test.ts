/**
 * What the real Key Vault and the real Entra have answered, as others recorded it, replayed to a store as it is in
 * production: the vault's own host name, the public login host, and the challenge checked. Rule: each answer names where it
 * was recorded; what stood there of somebody's own is left out.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { azureKeyVault } from '../../../src/kinds/azure/index.ts'
import { createRoute } from '../../../src/kinds/shared/proxy.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { openProxy } from '../../support/connect-proxy.ts'
import { createDirectory } from '../../support/embedded.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'
import { type Dialect, openWire } from '../../support/wire.ts'
import { answer, azureDialect, CLIENT, TENANT } from './fake.ts'

interface Recorded {
  readonly source: string
  readonly status: number
  readonly body: { readonly id?: string }
}

interface Fault {
  readonly reason: string
  readonly code: string
  /** A check takes it for good health. */
  readonly isWell?: true
}

const { reads, logins, writes, lists } = readVectors<{
  reads: Vector<Recorded, Fault | { readonly text: string; readonly version: string }>[]
  logins: Vector<Recorded, Fault>[]
  writes: Vector<Recorded, Fault>[]
  lists: Vector<Recorded, { readonly paths: readonly string[] }>[]
}>('azure-recorded')

const VAULT = 'keyvault.vault.azure.net'
const LOGIN = 'login.microsoftonline.com'

/** Azure/azure-sdk-for-python@5899cf6, 2022-03-25, but for the tenant. */
const CHALLENGE = {
  ...answer(401, {
    error: {
      code: 'Unauthorized',
      message: 'AKV10000: Request is missing a Bearer or PoP token.'
    }
  }),
  headers: {
    'content-type': 'application/json; charset=utf-8',
    'www-authenticate': `Bearer authorization="https://login.windows.net/${TENANT}", resource="https://vault.azure.net"`
  }
}

/** Azure/azure-sdk-for-js@07b42e3, 2019-06-18. */
const TOKEN = answer(200, {
  token_type: 'Bearer',
  expires_in: 3599,
  ext_expires_in: 3599,
  access_token: 'access_token'
})

interface Azure {
  readonly vault?: Dialect['found']
  readonly entra?: () => ReturnType<typeof answer>
}

const open = async (t: Test, { vault = azureDialect.found, entra = () => TOKEN }: Azure) => {
  const behaviour = { read: 'known CA', text: 'x' } as const
  const ofVault: Dialect = {
    ...azureDialect,
    found: vault,
    login: () => undefined,
    aside: ({ headers }) => (headers.authorization === undefined ? CHALLENGE : undefined)
  }
  const ofLogin: Dialect = {
    ...azureDialect,
    login: ({ method }) => (method === 'POST' ? entra() : undefined)
  }
  const vaultWire = await openWire(t, ofVault, behaviour, VAULT)
  const loginWire = await openWire(t, ofLogin, behaviour, LOGIN)
  const ports = new Map([
    [`${VAULT}:443`, Number(new URL(vaultWire.url).port)],
    [`${LOGIN}:443`, Number(new URL(loginWire.url).port)]
  ])
  const proxy = await openProxy(t, (target) => ports.get(target))
  const caCertFile = join(createDirectory(t), 'ca.pem')
  writeFileSync(caCertFile, `${vaultWire.ca}${loginWire.ca}`)
  const provider = await azureKeyVault.connect(
    {
      vaultUrl: `https://${VAULT}`,
      caCertFile,
      auth: {
        method: 'client-secret',
        tenantId: TENANT,
        clientId: CLIENT,
        clientSecret: { env: 'AZURE_SECRET' }
      }
    },
    createDeps(
      { AZURE_SECRET: 'an-app-secret' },
      { route: createRoute(proxy.address, () => undefined) }
    )
  )
  t.teardown(() => provider.close())
  const { write, list } = provider
  if (write === undefined || list === undefined) throw new Error('a power is missing')
  return { provider, write, list, vaultWire, loginWire, proxy }
}

const vaultOf =
  ({ status, body }: Recorded): Dialect['found'] =>
  () =>
    answer(status, body)

/** The name that the recorded answer is about. */
const nameIn = ({ body: { id = '' } }: Recorded): string => id.split('/')[4] ?? 'some-secret'

for (const { name, input, expect } of reads) {
  test(`Azure's answer to a read is understood: ${name}`, async (t) => {
    const opened = await open(t, { vault: vaultOf(input) })
    const reading = opened.provider.read({ path: nameIn(input) }, within())
    if ('text' in expect) {
      const { text, version } = await reading
      t.strictSame({ text: text.reveal(), version }, expect)
    } else {
      const { isWell = false, ...fault } = expect
      t.match(await faultOf(reading), { ...fault, status: input.status })
      const check = opened.provider.check(within())
      t.equal(
        await check.then(
          () => true,
          () => false
        ),
        isWell
      )
    }
    // The vault saw a request without a token first, and Entra's host alone the application's secret.
    t.strictSame(
      new Set(opened.proxy.asked),
      new Set([`CONNECT ${VAULT}:443`, `CONNECT ${LOGIN}:443`])
    )
    t.ok(opened.loginWire.logins.every(({ body }) => body.includes('client_secret=an-app-secret')))
    t.ok(
      opened.vaultWire.reads.every(({ headers }) => headers.authorization === 'Bearer access_token')
    )
  })
}

for (const { name, input, expect } of logins) {
  test(`Entra's refusal is understood: ${name}`, async (t) => {
    const { provider, vaultWire } = await open(t, { entra: () => answer(input.status, input.body) })
    t.match(await faultOf(provider.read({ path: 'a' }, within())), expect)
    t.equal(vaultWire.reads.length, 0)
  })
}

for (const { name, input, expect } of writes) {
  test(`Azure's answer to a write is understood: ${name}`, async (t) => {
    const notThere = reads.find(({ input: { status } }) => status === 404)?.input
    if (notThere === undefined) throw new Error('the vector is missing')
    const { write, vaultWire } = await open(t, {
      vault: (text, request) => vaultOf(request.method === 'PUT' ? input : notThere)(text, request)
    })
    const fault = await faultOf(write({ path: 'secret-sauce' }, new Sensitive('x'), within()))
    t.match(fault, { ...expect, status: input.status })
    t.equal(vaultWire.reads.filter(({ method }) => method === 'PUT').length, 1)
  })
}

for (const { name, input, expect } of lists) {
  test(`Azure's listing is understood: ${name}`, async (t) => {
    const { list } = await open(t, { vault: vaultOf(input) })
    t.strictSame(await list('', { limit: 25 }, within()), expect)
  })
}
