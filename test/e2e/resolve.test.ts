/** `purser resolve` through a store of another process. */
import { createServer } from 'node:http'
import { type Test, test } from 'tap'
import { createConfigured, runPurser } from '../support/purser-process.ts'
import { listen } from '../support/wire.ts'

const TOKEN = 'hvs.from-the-env-file'
const TAGS: Readonly<Record<string, unknown>> = {
  '/v1/kv/data/tagged': { 'purser-read': 'true' },
  '/v1/kv/data/untagged': null
}

/** A Vault with two secrets of two fields; a path that it does not know is not there. */
const startVault = (t: Test): Promise<number> => {
  const server = createServer((request, response) => {
    const tags = TAGS[request.url ?? '']
    const isKnown = tags !== undefined && request.headers['x-vault-token'] === TOKEN
    const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: tags }
    const data = { metadata, data: { user: 'app', password: 'p' } }
    const isLookup = request.url === '/v1/auth/token/lookup-self'
    response.writeHead(isKnown || isLookup ? 200 : 404, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(isLookup ? { data: { ttl: 3600 } } : isKnown ? { data } : { errors: [] })
    )
  })
  return listen(t, server)
}

test('A reference is read with the credentials of .env, if the secret has the tags its store asks for', async (t) => {
  const yaml = `stores:
  - name: vault
    kind: vault
    address: http://127.0.0.1:${await startVault(t)}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
    requireTags: { purser-read: "true" }
secrets:
  db-password: vault:kv/tagged#password
`
  const { folder } = createConfigured(t, { yaml, variables: { VAULT_TOKEN: TOKEN } })
  const resolve = (ref: string) => runPurser(t, folder, ['resolve', ref])
  t.match(await resolve('db-password'), { code: 0, stdout: 'p\n', stderr: '' })
  const whole = await resolve('vault:kv/tagged')
  t.strictSame(JSON.parse(whole.stdout), { user: 'app', password: 'p' })
  t.match(await resolve('vault:kv/untagged'), { code: 1, stdout: '', stderr: /not_tagged/ })
  t.match(await resolve('vault:kv/none'), { code: 1, stdout: '', stderr: /no such secret/ })
  t.match(await resolve('aws:kv/tagged'), { code: 2, stdout: '', stderr: /no configured store/ })
  t.match(await resolve('vault:kv/../x'), { code: 2, stdout: '', stderr: /was read as a store/ })
})
