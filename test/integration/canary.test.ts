// Nothing that is secret shows anywhere but in the answer to whom it belongs: not in a log, an error, a record or a file.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { problemOfFault } from '../../src/core/problem.ts'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { FAILURES } from '../contract/wire-failures.ts'
import { awsDialect } from '../kinds/aws/fake.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { type Canary, createCanary, everythingIn } from '../support/canary.ts'
import { issueKey } from '../support/keys.ts'
import { startStopwatch } from '../support/stopwatch.ts'
import { openWire, type WireBehaviour } from '../support/wire.ts'

const vaultDialect = vaultSubject.wire?.dialect ?? awsDialect

/** For a peer that says nothing. */
const TIMEOUT_MS = 400
/** For one that answers, on a machine that may be busy. */
const PATIENCE_MS = 10_000
/** How long after its deadline a fault may take to reach the caller. */
const GRACE_MS = 200

/** A text as a canary, to be found in every spelling. */
const watch = (token: string): Canary => {
  const canary = createCanary()
  const spellings = (haystack: string | Buffer) =>
    canary.findIn(String(haystack).replaceAll(token, canary.token))
  return { token, findIn: spellings }
}

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

interface Watched {
  readonly app: TestApp
  readonly key: string
  readonly secret: Canary
  /** What must show nowhere at all: keys, settings, the stores' credentials, what peers say in errors. */
  readonly hidden: Readonly<Record<string, Canary>>
}

const setUp = async (
  t: Test,
  behaviourFor: (said: string, secret: string) => WireBehaviour,
  timeoutMs = PATIENCE_MS
): Promise<Watched> => {
  const [secret, said, roleSecret] = [createCanary(), createCanary(), createCanary()]
  const behaviour = behaviourFor(said.token, JSON.stringify({ value: secret.token }))
  const aws = await openWire(t, awsDialect, behaviour)
  const vault = await openWire(t, vaultDialect, behaviour)
  const encryptionKey = newEncryptionKey()
  const awsEnv = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.loginUrl}/credentials` }
  Object.assign(process.env, awsEnv)
  t.teardown(() => void delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
  const yaml = `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${aws.url}' }
  - name: vault
    kind: vault
    address: ${vault.url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: approle, roleId: role, secretId: { env: ROLE_SECRET } }
policies:
  - { client: app, read: ['local:**', 'aws:**', 'vault:**'], write: ['local:**'] }
`
  const app = await buildTestApp(t, {
    yaml,
    env: { ENCRYPTION_KEYS: encryptionKey, UPSTREAM_TIMEOUT_MS: String(timeoutMs) },
    environ: { ROLE_SECRET: roleSecret.token }
  })
  const key = await issueKey(app.keyring, 'app', 'rw')
  const hidden = {
    'what the peer says': said,
    "the store's credential": roleSecret,
    'the API key': watch(key),
    'the encryption key': watch(encryptionKey),
    'the internal secret': watch(app.internalSecret)
  }
  return { app, key, secret, hidden }
}

/** Looks for all that must not show, in the log, in every file of the service, and in the text given. */
const sweep = async (t: Test, { app, secret, hidden }: Watched, outputs: string): Promise<void> => {
  const places: [string, string | Buffer][] = [
    ['an error', outputs],
    ['the log', app.logs.join('\n')]
  ]
  for (const file of await filesBelow(app.folder)) places.push([file, await readFile(file)])
  for (const [place, content] of places) {
    for (const [name, canary] of Object.entries({ ...hidden, 'the secret': secret })) {
      const found = canary.findIn(content)
      if (found.length > 0) t.fail(`${name} shows in ${place}: ${found}`)
    }
  }
  t.ok(
    places.some(([place]) => place.endsWith('.jsonl')),
    'the audit trail was looked at'
  )
}

const askEverything = async ({ app, key }: Watched, refs: readonly string[]) => {
  const headers = { authorization: `Bearer ${key}` }
  const { server } = app.app
  return Promise.all([
    ...refs.map((ref) =>
      server.inject({ url: `/v1/secrets?ref=${encodeURIComponent(ref)}`, headers })
    ),
    server.inject({ method: 'POST', url: '/v1/secrets/batch', headers, payload: { refs } }),
    server.inject({
      method: 'POST',
      url: '/internal/resolve',
      headers: { 'x-internal-secret': app.internalSecret },
      payload: { client: 'app', refs }
    })
  ])
}

test('a secret that is read shows in its answers and nowhere else', async (t) => {
  const watched = await setUp(t, (_said, text) => ({ read: 'found', text }))
  const { app, key, secret } = watched
  const headers = { 'x-api-key': key }
  const put = await app.app.server.inject({
    method: 'PUT',
    url: '/v1/secrets?ref=local:a/b',
    headers,
    payload: { value: secret.token }
  })
  t.equal(put.statusCode, 200)
  const refs = ['local:a/b', 'aws:some/secret', 'vault:secret/some/secret']
  for (const answer of await askEverything(watched, refs)) {
    t.equal(answer.statusCode, 200)
    t.not(secret.findIn(answer.body).length, 0, 'the answer has the secret')
    t.same(secret.findIn(JSON.stringify(answer.headers)), [])
  }
  const introspected = await app.app.server.inject({
    method: 'POST',
    url: '/internal/introspect',
    headers: { 'x-internal-secret': app.internalSecret },
    payload: { key }
  })
  const others = await Promise.all(
    ['/v1/whoami', '/readyz', '/livez', '/openapi.yaml'].map((url) =>
      app.app.server.inject({ url, headers })
    )
  )
  await sweep(t, watched, [put, introspected, ...others].map((answer) => answer.body).join('\n'))
})

test('a request that is refused repeats nothing of itself', async (t) => {
  const watched = await setUp(t, () => ({ read: 'silent' }), TIMEOUT_MS)
  const { app, key, secret } = watched
  const { token } = secret
  const text = encodeURIComponent(token)
  const json = { 'content-type': 'application/json' }
  const answers = await Promise.all([
    app.app.server.inject({ url: `/v1/secrets?ref=local:${text}`, headers: { 'x-api-key': key } }),
    app.app.server.inject({
      url: `/v1/secrets?ref=local:a&${text}=1`,
      headers: { 'x-api-key': key }
    }),
    app.app.server.inject({ url: `/v1/secrets/${text}`, headers: { 'x-api-key': key } }),
    app.app.server.inject({ url: `/${text}`, headers: { 'x-api-key': key } }),
    app.app.server.inject({ url: '/v1/whoami', headers: { 'x-api-key': text } }),
    app.app.server.inject({
      url: '/v1/whoami',
      headers: { 'x-api-key': key, authorization: text }
    }),
    app.app.server.inject({
      method: 'POST',
      url: '/internal/introspect',
      headers: { 'x-internal-secret': text }
    }),
    ...[{ [token]: 1 }, { refs: [token] }, { refs: token }, token].map((payload) =>
      app.app.server.inject({
        method: 'POST',
        url: '/v1/secrets/batch',
        headers: { ...json, 'x-api-key': key },
        payload: JSON.stringify(payload)
      })
    )
  ])
  const bodies = answers.map((answer) => {
    if (answer.statusCode !== 200) return answer.body
    // A batch names each reference as it was asked for; that is its only echo.
    return JSON.stringify(
      answer.json().results.map(({ ref: _ref, ...rest }: { ref: string }) => rest)
    )
  })
  await sweep(t, watched, bodies.join('\n'))
})

test('however a store fails, nothing that it said or was told shows', async (t) => {
  for (const { when, behaviour, reason } of FAILURES) {
    await t.test(when, async (t) => {
      const timeoutMs = reason === 'timeout' ? TIMEOUT_MS : PATIENCE_MS
      const watched = await setUp(t, behaviour, timeoutMs)
      const passed = startStopwatch()
      const answers = await askEverything(watched, ['aws:some/secret', 'vault:secret/some/secret'])
      const took = passed()
      t.ok(took < timeoutMs + GRACE_MS, `${took.toFixed(0)} ms`)
      for (const answer of answers.slice(0, 2)) {
        t.equal(answer.json().code, problemOfFault[reason])
        t.match(answer.headers['content-type'], 'application/problem+json')
      }
      await sweep(t, watched, answers.map((answer) => everythingIn(answer.body)).join('\n'))
    })
  }
})
