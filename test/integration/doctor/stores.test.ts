/** Stores as doctor sees them: a real OpenBao, an API server and servers that answer wrongly, late or not at all. */
import { createServer, type RequestListener } from 'node:http'
import { type Test, test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createAdmin } from '../../kinds/vault/fake.ts'
import { createCanary } from '../../support/canary.ts'
import { type Bad, examineBad, notOk, sentences, untoldIn } from '../../support/doctor.ts'
import { randomSecret } from '../../support/keys.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { closedPort, listen } from '../../support/wire.ts'

const yamlOf = (address: string, read = 'vault:secret/*', write = ''): string => `stores:
  - name: vault
    kind: vault
    address: ${address}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
policies:
  - { client: app, read: ["${read}"], write: [${write}] }
`

const examineVault = (t: Test, yaml: string, token: string, more: Bad = {}) =>
  examineBad(t, {
    ...more,
    yaml,
    now: Date.now(),
    env: { VAULT_TOKEN: token, UPSTREAM_TIMEOUT_MS: '2000', ...more.env }
  })

const serveVault = async (t: Test, answer: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(t, createServer(answer))}`

/** A Vault in good order, as far as it is asked. */
const good: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json')
  const { url } = request
  if (url === '/v1/sys/capabilities-self') {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      const { paths } = JSON.parse(body) as { paths: string[] }
      const data = Object.fromEntries(
        paths.map((path) => [path, path.startsWith('secret/data') ? ['read'] : ['deny']])
      )
      response.end(JSON.stringify({ data }))
    })
    return
  }
  response.end(JSON.stringify({ data: { ttl: 3600, renewable: false } }))
}

test('a store in good order passes', async (t) => {
  const url = await serveVault(t, good)
  const examined = await examineVault(t, yamlOf(url, 'vault:secret/one'), randomSecret())
  t.strictSame(notOk(examined), [], sentences(examined))
  t.strictSame(untoldIn(examined), [], sentences(examined))
})

test('a store that is away: stores-reachable fail', async (t) => {
  const url = `http://127.0.0.1:${await closedPort()}`
  const examined = await examineVault(t, yamlOf(url), randomSecret())
  t.strictSame(notOk(examined), ['stores-reachable fail'])
  t.match(sentences(examined), /the store vault does not answer.*\(ECONNREFUSED\)/)
  t.strictSame(untoldIn(examined), ['stores-clock', 'stores-rights'])
})

test('a store that hangs: stores-reachable fail, within its deadline', async (t) => {
  const url = await serveVault(t, () => {})
  const examined = await examineVault(t, yamlOf(url), randomSecret(), {
    env: { UPSTREAM_TIMEOUT_MS: '200' }
  })
  t.strictSame(notOk(examined), ['stores-reachable fail'])
  t.match(sentences(examined), /the store vault does not answer in time/)
})

test('a store that refuses the login: stores-reachable fail, and nothing that it said', async (t) => {
  const canary = createCanary()
  const url = await serveVault(t, (_request, response) => {
    response.writeHead(403, { 'content-type': 'application/json', 'x-said': 'x' })
    response.end(JSON.stringify({ errors: [`permission denied ${canary.token}`] }))
  })
  const examined = await examineVault(t, yamlOf(url), randomSecret())
  t.strictSame(notOk(examined), ['stores-reachable fail'])
  t.match(sentences(examined), /does not take Purser's login.*\(403\)/)
  t.strictSame(canary.findIn(JSON.stringify(examined)), [])
})

test('a store whose clock is another: stores-clock fail', async (t) => {
  const url = await serveVault(t, (request, response) => {
    response.setHeader('date', new Date(Date.now() + 600_000).toUTCString())
    good(request, response)
  })
  const examined = await examineVault(t, yamlOf(url), randomSecret())
  t.strictSame(notOk(examined), ['stores-clock fail'])
  t.match(sentences(examined), /the store vault differ by (59\d|60[01]) s/)
})

test('a credential that is not there: stores-reachable fail', async (t) => {
  const url = await serveVault(t, good)
  const examined = await examineVault(t, yamlOf(url), '')
  t.strictSame(notOk(examined), ['configuration warn', 'stores-reachable fail'])
  t.match(sentences(examined), /\(credential\)/)
})

test('a login that would use up its credential is not made, nor one that needs a secret of that store', async (t) => {
  let requests = 0
  const url = await serveVault(t, (_request, response) => {
    requests++
    response.writeHead(503).end()
  })
  const yaml = `stores:
  - name: once
    kind: vault
    address: ${url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: a, secretId: { env: VAULT_TOKEN, wrapped: true } }
  - name: behind
    kind: vault
    address: ${url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { ref: "once:secret/token#text" } }
`
  const examined = await examineVault(t, yaml, randomSecret())
  t.equal(requests, 0)
  t.strictSame(notOk(examined), [], sentences(examined))
  t.strictSame(untoldIn(examined), ['stores-reachable'])
  t.match(sentences(examined), /store once answers: a login.*\n.*store behind answers/)
})

const onePassword = (address: string): string =>
  `stores: [{ name: one, kind: onepassword-connect, address: "${address}", token: { env: OP_TOKEN } }]\n`

test('of a kind that tells nothing of rights, doctor says where they can be looked at', async (t) => {
  const vaults = JSON.stringify([{ id: 'a'.repeat(26), name: 'Production' }])
  const address = await serveVault(t, (_, response) => {
    response.setHeader('content-type', 'application/json').end(vaults)
  })
  const examined = await examineBad(t, {
    yaml: onePassword(address),
    env: { OP_TOKEN: randomSecret() }
  })
  t.match(
    sentences(examined),
    /cannot be told: whether the rights at the store one are the least: it does not tell Purser: look at its token in 1Password/
  )
})

test('a kind without a review cannot tell', async (t) => {
  const yaml = onePassword('http://127.0.0.1:1')
  const peers: Bad['peers'] = {
    stores: async () => ({
      faults: [],
      all: [
        { name: 'one', kind: 'onepassword-connect', skewMs: 0 },
        { name: 'away', kind: 'vault', fault: new ProviderFault('timeout') }
      ]
    })
  }
  const examined = await examineBad(t, { yaml, peers, env: { OP_TOKEN: randomSecret() } })
  t.strictSame(notOk(examined), ['stores-reachable fail'])
  t.match(
    sentences(examined),
    /cannot be told: whether the rights at the store one are the least: it does not tell Purser: look at what its login may do/
  )
})

test('what OpenBao lets a token do is asked, and nothing is tried', async (t) => {
  if (skipWithout(t, await isInstalled('openbao'))) return
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  const tokenFor = async (policy: string): Promise<string> => {
    await admin('POST', 'sys/policies/acl/some', { policy })
    const { auth } = (await admin('POST', 'auth/token/create', {
      policies: ['some']
    })) as unknown as { auth: { client_token: string } }
    return auth.client_token
  }
  const READ = 'path "secret/data/*" { capabilities = ["read"] }'

  const least = await examineVault(t, yamlOf(url, 'vault:secret/app/db'), await tokenFor(READ))
  t.strictSame(notOk(least), [], sentences(least))

  const lacking = await examineVault(
    t,
    yamlOf(url, 'vault:secret/app/a b#x'),
    await tokenFor('path "secret/data/other/*" { capabilities = ["read"] }')
  )
  t.strictSame(notOk(lacking), ['stores-rights fail'])
  t.match(sentences(lacking), /does not let Purser read secret\/data\/app\/a b, which a rule/)

  const wide = 'path "secret/data/*" { capabilities = ["read", "update", "delete"] }'
  const excess = await examineVault(t, yamlOf(url), await tokenFor(wide))
  t.strictSame(notOk(excess), ['stores-rights warn'])
  t.match(sentences(excess), /lets Purser delete secrets in secret.*\n.*write secrets in secret/)

  const writing = await examineVault(
    t,
    yamlOf(url, 'vault:secret/*', '"vault:secret/*"'),
    await tokenFor('path "secret/data/*" { capabilities = ["read", "create", "update"] }')
  )
  t.strictSame(notOk(writing), [], 'a rule that writes needs the right to write')

  const root = await examineVault(t, yamlOf(url), 'root')
  t.strictSame(notOk(root), ['stores-rights warn'])
  t.match(sentences(root), /change policies.*\n.*change ways to log in/)
})
