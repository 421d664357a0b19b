// The key format is what contract and documentation say, not what one library does: another implementation reads and writes it.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { issueKey, randomKeyring } from '../support/keys.ts'
import { isInstalled, programOf, skipWithout } from '../support/peers.ts'

const run = promisify(execFile)
const SCRIPT = resolve('test/support/jose-interop.py')

const joserfc = async (asked: object): Promise<string> => {
  const python = programOf('joserfc') ?? ''
  const child = run(python, [SCRIPT])
  child.child.stdin?.end(JSON.stringify(asked))
  return (await child).stdout
}

test("a key made by joserfc is accepted, and one with another's claims is not", async (t) => {
  if (skipWithout(t, await isInstalled('joserfc'))) return
  const yaml =
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
  const app = await buildTestApp(t, { yaml })
  await app.seed('local', 'a', 'from the store')
  const claims = {
    jti: randomUUID(),
    cli: 'app',
    scp: ['aura-services:secrets'],
    mode: 'r',
    env: 'dev',
    minv: '8.3.0',
    iat: Math.floor(Date.now() / 1000)
  }
  const { encryptionKey } = app
  const read = (key: string) =>
    app.app.server.inject({ url: '/v1/secrets?ref=local:a', headers: { 'x-api-key': key } })
  const accepted = await read(await joserfc({ encryptionKey, claims }))
  t.equal(accepted.statusCode, 200)
  t.match(accepted.json(), { value: 'from the store' })
  const expired = await read(await joserfc({ encryptionKey, claims: { ...claims, exp: 1 } }))
  t.match(expired.json(), { code: 'invalid_api_key' })
  const foreign = randomKeyring().encryptionKey
  const other = await read(await joserfc({ encryptionKey: foreign, claims }))
  t.match(other.json(), { code: 'invalid_api_key' })
})

test('a key of ours is opened by joserfc', async (t) => {
  if (skipWithout(t, await isInstalled('joserfc'))) return
  const { encryptionKey, keyring } = randomKeyring()
  const apiKey = await issueKey(keyring, 'app', 'rw')
  const { header, claims } = JSON.parse(await joserfc({ encryptionKey, apiKey }))
  const { kid } = keyring.active
  t.same(header, { alg: 'dir', enc: 'A256GCM', typ: 'purser-key+jwe', kid })
  t.match(claims, { cli: 'app', mode: 'rw', env: 'dev', kid })
})
