/** A Vault whose secrets are long in coming, so that a request for one is under way for as long as a test wants. */
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { listen } from './wire.ts'

/** The request for it; there are others, whose names begin with this one's. */
export const SLOW = '/v1/secrets?ref=vault:kv/slow'

/**
 * `asked` resolves with the token of whoever asked for a secret, `count` says how many have been asked for, `release`
 * lets the answers go; `configuration` is that of a service which reads them.
 */
export const startSlowVault = async (t: Test) => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let count = 0
  let note = (_token: string): void => {}
  const asked = new Promise<string>((resolve) => {
    note = resolve
  })
  const server = createServer(async (request, response) => {
    const isSecret = request.url?.startsWith('/v1/kv/data/slow') === true
    if (isSecret) {
      count++
      note(String(request.headers['x-vault-token']))
      await released
    }
    const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: null }
    const data = isSecret ? { metadata, data: { text: 'late' } } : { ttl: 3600, renewable: false }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ lease_id: '', data, auth: null }))
  })
  const yaml = `stores:
  - name: vault
    kind: vault
    address: http://127.0.0.1:${await listen(t, server)}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
policies:
  - { client: app, read: ["vault:kv/*"] }
`
  const variables = { VAULT_TOKEN: 'hvs.from-the-env-file', UPSTREAM_TIMEOUT_MS: '20000' }
  return { configuration: { yaml, variables }, asked, count: () => count, release }
}
