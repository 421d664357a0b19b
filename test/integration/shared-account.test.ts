/** Several stores of one account at a Vault: a wrong password is shown once for all of them. */
import { createServer } from 'node:http'
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { connectStores, type StoresDeps } from '../../src/secrets/stores.ts'
import { createAdmin } from '../kinds/vault/fake.ts'
import { parseConfigFile } from '../support/config-file.ts'
import { isInstalled, skipWithout, startPeer } from '../support/peers.ts'
import { listen } from '../support/wire.ts'

/** The stores of those users at that address, whose password is `given.password`. */
const open = async (t: Test, address: string, users: Readonly<Record<string, string>>) => {
  const given = { password: 'wrong', laterMs: 0 }
  const lines = Object.entries(users).map(
    ([name, user]) =>
      `  - { name: ${name}, kind: vault, address: "${address}", mounts: [{ path: secret, version: 2 }, { path: ${name}, version: 2 }], auth: { method: userpass, username: ${user}, password: { env: PASSWORD } } }`
  )
  const keyring = createKeyring([newEncryptionKey()])
  const deps = {
    log: () => {},
    now: () => Date.now() + given.laterMs,
    keyring: () => keyring,
    sealer: () => createSealer(keyring),
    replicas: () => 1,
    environ: () => given.password,
    timeoutMs: 10_000
  }
  const { stores: specs } = parseConfigFile(['stores:', ...lines].join('\n'), 'purser.yaml')
  const { stores } = await connectStores(specs, deps as unknown as StoresDeps)
  t.teardown(stores.close)
  const readAll = () =>
    Promise.allSettled(stores.all().map(({ read }) => read({ path: 'secret/x' }, {})))
  return { given, readAll }
}

test('stores of one account at one Vault show a wrong password once', async (t) => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.writeHead(400).end('{"errors":["invalid username or password"]}')
  })
  const address = `http://127.0.0.1:${await listen(t, server)}`
  const users = { a: 'broker', b: 'broker', c: 'broker', d: 'other' }
  const { readAll } = await open(t, address, users)
  for (const read of await readAll()) {
    t.match(read, { status: 'rejected', reason: { reason: 'denied' } })
  }
  t.strictSame(seen.sort(), [
    'POST /v1/auth/userpass/login/broker',
    'POST /v1/auth/userpass/login/other'
  ])
})

test('OpenBao locks no account of many stores, and takes the password once it is mended', async (t) => {
  if (skipWithout(t, await isInstalled('openbao'))) return
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  await admin('POST', 'sys/policies/acl/reader', {
    policy: 'path "secret/*" { capabilities = ["read"] }'
  })
  await admin('POST', 'sys/auth/userpass', { type: 'userpass' })
  await admin('POST', 'auth/userpass/users/broker', { password: 'right', token_policies: 'reader' })
  await admin('POST', 'secret/data/x', { data: { value: 'a value' } })
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const users = Object.fromEntries(names.map((name) => [name, 'broker']))
  const { given, readAll } = await open(t, url, users)
  for (const read of await readAll()) t.match(read, { status: 'rejected' })
  given.password = 'right'
  given.laterMs = 3_000
  for (const read of await readAll()) t.match(read, { status: 'fulfilled' })
})
