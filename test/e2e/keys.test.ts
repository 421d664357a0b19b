/** API keys from the command line, offline and beside a service that runs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { Environment } from '../../src/core/principal.ts'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  get,
  issueKey,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'

const ENCRYPTION_KEYS = newEncryptionKey()

test('A key is issued with nothing but ENCRYPTION_KEYS: alone on stdout, its claims on stderr', async (t) => {
  const folder = createDirectory(t)
  const env = { ENCRYPTION_KEYS }
  const { code, stdout, stderr } = await runPurser(t, folder, ['key', 'issue'], { env })
  t.equal(code, 0)
  t.match(stdout, /^purser_pro_[A-Za-z0-9_.-]+\n$/)
  t.notOk(stderr.includes(stdout.trim().slice(0, 60)))
  t.match(stderr, /kernel.*aura-services.*\br\n.*pro.*8\.3\.0.*never/s)
})

test('The flags of key issue are those of the generator that it stands in for', async (t) => {
  const folder = createDirectory(t)
  const id = '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55'
  writeFileSync(join(folder, 'key.txt'), `${ENCRYPTION_KEYS}\n`)
  const env = { ENCRYPTION_KEYS_FILE: 'key.txt' }
  const flags = `-i ${id} -s aura-services:token,aura-services:users,aura-services:token --enviroment pre
    -a novum -v 9.1.0 -m rw --expires 90d --json`
  const issued = await runPurser(t, folder, ['key', 'issue', ...flags.split(/\s+/)], { env })
  const { apiKey, ...claims } = JSON.parse(issued.stdout)
  t.match(claims, {
    client: 'novum',
    keyId: id,
    scopes: ['aura-services:token', 'aura-services:users'],
    mode: 'rw',
    environment: 'pre',
    minimumVersion: '9.1.0'
  })
  t.equal(Date.parse(claims.expiresAt) - Date.parse(claims.issuedAt), 90 * 86_400_000)

  const inspected = await runPurser(t, folder, ['key', 'inspect'], { env, input: `${apiKey}\n` })
  t.match(JSON.parse(inspected.stdout), { ...claims, inForce: true, expired: false })
})

test('A key is bound to the networks of --from, which is what it says, and to no other word', async (t) => {
  const folder = createDirectory(t)
  const env = { ENCRYPTION_KEYS }
  const from = ['--from', '10.1.0.0/16', '--from', '2001:DB8::/32']
  const issued = await runPurser(t, folder, ['key', 'issue', ...from], { env })
  t.match(issued.stderr, /usable from {2}10\.1\.0\.0\/16, 2001:db8::\/32/)
  const inspected = await runPurser(t, folder, ['key', 'inspect'], { env, input: issued.stdout })
  t.match(JSON.parse(inspected.stdout), { networks: ['10.1.0.0/16', '2001:db8::/32'] })
  for (const wrong of ['10.1.0.0/33', 'office', '', '10.1.2.3/16', '10.1.0.0/16,192.0.2.1']) {
    const refused = await runPurser(t, folder, ['key', 'issue', '--from', wrong], { env })
    const stderr =
      /an address, or a network by its first address with a prefix, such as 10\.1\.0\.0\/16; for several, up to 16, repeat the option/
    t.match(refused, { code: 2, stdout: '', stderr }, wrong)
  }
})

test('A key lives no longer than API_KEY_MAX_DAYS: more is wrong usage, and nothing asked is the longest', async (t) => {
  const folder = createDirectory(t)
  const env = { ENCRYPTION_KEYS, API_KEY_MAX_DAYS: '30' }
  const tooLong = await runPurser(t, folder, ['key', 'issue', '--expires', '31d'], { env })
  t.match(tooLong, { code: 2, stdout: '', stderr: /30 days at most/ })
  const longest = await runPurser(t, folder, ['key', 'issue', '--json'], { env })
  const { issuedAt, expiresAt } = JSON.parse(longest.stdout)
  t.equal(Date.parse(expiresAt) - Date.parse(issuedAt), 30 * 86_400_000)
  t.match(longest.stderr, /API_KEY_MAX_DAYS: 30 days/)
})

test('A key is not read from the command line, and one of another encryption key is not opened', async (t) => {
  const folder = createDirectory(t)
  const issued = await runPurser(t, folder, ['key', 'issue'], { env: { ENCRYPTION_KEYS } })
  const apiKey = issued.stdout.trim()
  const env = { ENCRYPTION_KEYS: newEncryptionKey() }
  const typed = await runPurser(t, folder, ['key', 'inspect', apiKey], { env })
  t.equal(typed.code, 2)
  t.match(typed.stderr, /pipe it in/)
  const foreign = await runPurser(t, folder, ['key', 'inspect'], { env, input: apiKey })
  t.match(foreign, { code: 1, stdout: '', stderr: /cannot be opened/ })
  t.notOk(`${typed.stderr}${foreign.stderr}`.includes(apiKey))
})

test('A key that is revoked from the command line is refused by the service on the next request', async (t) => {
  const { folder } = createConfigured(t)
  const { url } = await serve(t, folder)
  const [key, other] = await Promise.all([issueKey(folder), issueKey(folder)])
  const claims = await (await get(`${url}/v1/whoami`, key)).json()
  t.match(claims, { client: 'app' })
  const { keyId } = claims as { keyId: string }
  const revoke = ['key', 'revoke', keyId]
  t.match(await runPurser(t, folder, revoke), { code: 0, stdout: `${keyId} is revoked\n` })
  t.equal((await get(`${url}/v1/whoami`, key)).status, 401)
  t.equal((await get(`${url}/v1/whoami`, other)).status, 200)
  t.match(await runPurser(t, folder, revoke), { code: 0, stdout: /was revoked before/ })
})

test('A key is revoked with all that it issued from the command line, known to the service by their text or not', async (t) => {
  const { folder } = createConfigured(t)
  const { url } = await serve(t, folder)
  const admin = await issueKey(folder, { scopes: ['aura-admin', 'aura-services'], mode: 'rw' })
  const issue = async (key: string) => {
    const answer = await fetch(`${url}/v1/admin/keys`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ client: 'app', scopes: ['aura-admin'], mode: 'rw', expires: '1d' }),
      signal: AbortSignal.timeout(15_000)
    })
    return (await answer.json()) as { apiKey: string; keyId: string }
  }
  const child = await issue(admin)
  const grandchild = await issue(child.apiKey)
  const unused = await issue(grandchild.apiKey)
  const revoke = ['key', 'revoke', child.keyId, '--issued']
  t.match(await runPurser(t, folder, revoke), { code: 0, stdout: /is revoked\n.*: 2 known keys\n/ })
  for (const { apiKey } of [child, grandchild, unused]) {
    t.equal((await get(`${url}/v1/whoami`, apiKey)).status, 401)
    const inspected = await runPurser(t, folder, ['key', 'inspect'], { input: apiKey })
    t.match(JSON.parse(inspected.stdout), { inForce: false, refusedFor: ['revocation'] })
  }
  t.equal((await get(`${url}/v1/whoami`, admin)).status, 200)
})

test('A key is inspected as the service of this folder would judge it', async (t) => {
  const { folder } = createConfigured(t, { variables: { PLATFORM_VERSION: '8.2.0' } })
  const judged = async (minimumVersion: string, environment: Environment = 'dev') => {
    const apiKey = await issueKey(folder, { minimumVersion, environment })
    const { code, stdout, stderr } = await runPurser(t, folder, ['key', 'inspect'], {
      input: apiKey
    })
    t.equal(code, 0)
    const { inForce, expired, refusedFor } = JSON.parse(stdout)
    return { inForce, expired, refusedFor, stderr }
  }
  const fits = await judged('8.2.0')
  t.match(fits, { inForce: true, expired: false, refusedFor: [], stderr: '' })
  for (const environment of ['stg', 'pre', 'pro'] as const) {
    const other = await judged('8.2.0', environment)
    t.match(other, { inForce: false, refusedFor: ['environment'], stderr: /ENVIRONMENT is dev/ })
  }
  const newer = await judged('8.2.1')
  t.match(newer, { inForce: false, refusedFor: ['version'], stderr: /PLATFORM_VERSION is 8\.2\.0/ })
  t.same((await judged('9.0.0', 'pro')).refusedFor, ['environment', 'version'])
})

test('A revocation where no service keeps its state is refused rather than lost', async (t) => {
  const revoke = ['key', 'revoke', '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55']
  t.match(await runPurser(t, createDirectory(t), revoke), { code: 1, stderr: /where the service/ })
})

test('a command whose reader has gone ends without a word, and not as if all had been read', async (t) => {
  const { folder } = createConfigured(t)
  const { child, ended } = startPurser(t, folder, ['key', '--help'])
  child.stdout?.destroy()
  const { code, stderr } = await ended
  t.equal(stderr, '')
  t.equal(code, 1)
})
