/** Several stores of one account at a Vault: a wrong password is shown once for all of them. */
import { createServer } from 'node:http'
import { test } from 'tap'
import { connectStores, type StoresDeps } from '../../src/broker/stores.ts'
import { parseConfigFile } from '../../src/config/file.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { createDeps } from '../support/provider-deps.ts'
import { listen } from '../support/wire.ts'

test('stores of one account at one Vault show a wrong password once', async (t) => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.writeHead(400).end('{"errors":["invalid username or password"]}')
  })
  const address = `http://127.0.0.1:${await listen(t, server)}`
  const auth = (user: string) =>
    `{ method: userpass, username: ${user}, password: { env: PASSWORD } }`
  const store = (name: string, user: string) =>
    `  - { name: ${name}, kind: vault, address: "${address}", mounts: [{ path: ${name}, version: 2 }], auth: ${auth(user)} }`
  const yaml = [
    'stores:',
    store('a', 'broker'),
    store('b', 'broker'),
    store('c', 'broker'),
    store('d', 'other')
  ]
  const keyring = createKeyring([newEncryptionKey()])
  const { log, now } = createDeps()
  const deps = {
    log,
    now,
    keyring: () => keyring,
    sealer: () => createSealer(keyring),
    replicas: () => 1,
    environ: () => 'wrong',
    timeoutMs: 10_000
  }
  const { stores: specs } = parseConfigFile(yaml.join('\n'), 'purser.yaml')
  const { stores } = await connectStores(specs, deps as unknown as StoresDeps)
  t.teardown(stores.close)
  const reads = await Promise.allSettled(
    stores
      .all()
      .map(({ spec, provider, call }) =>
        call((options) => provider.read({ path: `${spec.name}/x` }, options))
      )
  )
  for (const read of reads) t.match(read, { status: 'rejected', reason: { reason: 'denied' } })
  t.strictSame(seen.sort(), [
    'POST /v1/auth/userpass/login/broker',
    'POST /v1/auth/userpass/login/other'
  ])
})
