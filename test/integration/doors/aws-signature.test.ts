/** Who is let in by the door of AWS, and in which words everybody else is not. */
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { createRevocations } from '../../../src/keys/revocations.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { type AwsDoor, credentialsOf, openAwsDoor } from '../../support/aws-door.ts'
import { issueKey, randomKeyring } from '../../support/keys.ts'
import { answersIn, exchange } from '../../support/raw-http.ts'
import { type AwsCredentials, signedHeaders } from '../../support/sigv4.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ['local:app/**'] }
doors:
  - { dialect: aws, port: 0, store: local }
`

const BODY = '{"SecretId":"app/db"}'
const GET = 'secretsmanager.GetSecretValue'

const open = async (t: Test, env: Record<string, string> = {}) => {
  const door = await openAwsDoor(t, { yaml: YAML, env })
  await door.seed('local', 'app/db', 'the value')
  return { ...door, credentials: await door.credentials('app') }
}

type Pairs = readonly (readonly [string, string])[]

interface Sent {
  readonly headers: Pairs
  readonly body?: string
  readonly line?: string
}

/** The status and what is told, of a request that is sent as it stands. */
const send = async (
  { host }: Pick<AwsDoor, 'host'>,
  { headers, body = BODY, line = 'POST / HTTP/1.1' }: Sent
): Promise<string> => {
  const all = [...headers, ['content-length', String(Buffer.byteLength(body))]]
  const head = [line, ...all.map(([name, value]) => `${name}: ${value}`), 'connection: close']
  const { text } = await exchange(Number(host.split(':')[1]), `${head.join('\r\n')}\r\n\r\n${body}`)
  const [answer] = answersIn(text)
  const { __type: type, SecretString: secret } = JSON.parse(answer?.body ?? '{}')
  return `${answer?.statusCode} ${type ?? secret}`
}

const signed = (host: string, given: AwsCredentials, more: object = {}): Pairs =>
  signedHeaders(given, { host, target: GET, body: BODY, ...more })

const changed = (headers: Pairs, name: string, change: (value: string) => string): Pairs =>
  headers.map(([one, value]) => [one, one === name ? change(value) : value])

const without = (headers: Pairs, name: string): Pairs => headers.filter(([one]) => one !== name)

test('a signed request is answered, and as often as it is sent within its time', async (t) => {
  const { host, credentials } = await open(t)
  const headers = signed(host, credentials)
  t.equal(await send({ host }, { headers }), '200 the value')
  t.equal(await send({ host }, { headers }), '200 the value', 'a client repeats what it sent')
  const shifted = (ms: number) => signed(host, credentials, { at: Date.now() + ms })
  t.equal(await send({ host }, { headers: shifted(-240_000) }), '200 the value')
  for (const ms of [-360_000, 360_000]) {
    t.equal(await send({ host }, { headers: shifted(ms) }), '400 InvalidSignatureException')
  }
})

test('a request that is not what was signed is refused', async (t) => {
  const { host, credentials } = await open(t)
  const headers = signed(host, credentials)
  const wrong = '400 InvalidSignatureException'
  const other = '{"SecretId":"app/xx"}'
  t.equal(await send({ host }, { headers, body: other }), wrong, 'another body')
  const target = changed(headers, 'x-amz-target', () => 'secretsmanager.ListSecrets')
  t.equal(await send({ host }, { headers: target }), wrong, 'another operation')
  const line = 'POST /?x=1 HTTP/1.1'
  t.equal(await send({ host }, { headers, line }), wrong, 'a query')
  const forged = { ...credentials, secretAccessKey: 'x'.repeat(43) }
  t.equal(await send({ host }, { headers: signed(host, forged) }), wrong, 'another secret')
  const digest = [...headers, ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']] as const
  t.equal(await send({ host }, { headers: digest }), wrong, 'an unsigned body')
})

test('what does not cover what it has to, or says it twice, is no signature', async (t) => {
  const { host, credentials } = await open(t)
  const headers = signed(host, credentials)
  const incomplete = '400 IncompleteSignatureException'
  const authorization = (change: (value: string) => string): Pairs =>
    changed(headers, 'authorization', change)
  const cases: readonly (readonly [string, Pairs])[] = [
    ['an unsigned key', authorization((text) => text.replace('x-amz-security-token;', ''))],
    ['an unsigned operation', authorization((text) => text.replace(';x-amz-target', ''))],
    ['another day in the scope', authorization((text) => text.replace(/\/\d{8}\//, '/20200101/'))],
    ['another service', authorization((text) => text.replace('/secretsmanager/', '/s3/'))],
    ['capitals', authorization((text) => text.replace(/Signature=.*/, (hex) => hex.toUpperCase()))],
    ['no signature', authorization((text) => text.replace(/, Signature=.*/, ''))],
    ['no time', without(headers, 'x-amz-date')],
    ['two times', [...headers, ['X-Amz-Date', '20200101T000000Z']]],
    ['two operations', [...headers, ['X-Amz-Target', GET]]]
  ]
  for (const [what, given] of cases) {
    t.equal(await send({ host }, { headers: given }), incomplete, what)
  }
})

test('one credential, once, and in the headers of this door', async (t) => {
  const { host, credentials } = await open(t)
  const headers = signed(host, credentials)
  const { sessionToken } = credentials
  const conflicting = '400 IncompleteSignatureException'
  const beside: Pairs = [
    ['x-api-key', sessionToken],
    ['x-vault-token', sessionToken],
    ['x-aws-parameters-secrets-token', sessionToken],
    ['dapr-api-token', sessionToken],
    ['x-amz-security-token', sessionToken],
    ['authorization', headers.find(([name]) => name === 'authorization')?.[1] ?? '']
  ]
  for (const [name, value] of beside) {
    t.equal(await send({ host }, { headers: [...headers, [name, value]] }), conflicting, name)
  }
  const bearer = changed(headers, 'authorization', () => `Bearer ${sessionToken}`)
  t.equal(await send({ host }, { headers: bearer }), conflicting)
  const alone = '400 MissingAuthenticationTokenException'
  t.equal(await send({ host }, { headers: without(headers, 'authorization') }), alone)
  t.equal(await send({ host }, { headers: without(bearer, 'x-amz-security-token') }), alone)
  const noToken = without(headers, 'x-amz-security-token')
  t.equal(await send({ host }, { headers: noToken }), '400 UnrecognizedClientException')
})

test('a key that is not accepted is told apart by its end alone', async (t) => {
  const door = await open(t)
  const { host, keyring, credentials } = door
  const keyId = randomUUID()
  const stranger = randomKeyring()
  const keys = {
    expired: await issueKey(keyring, 'app', 'r', { lifetimeSeconds: 0 }),
    revoked: await issueKey(keyring, 'app', 'r', { keyId }),
    elsewhere: await issueKey(keyring, 'app', 'r', { environment: 'pro' })
  }
  await createRevocations(door.app.state).revoke(keyId, Date.now())
  const ask = async (key: string) =>
    send({ host }, { headers: signed(host, await credentialsOf(door, key)) })
  t.equal(await ask(keys.expired), '400 ExpiredTokenException')
  t.equal(await ask(keys.revoked), '400 UnrecognizedClientException')
  t.equal(await ask(keys.elsewhere), '400 UnrecognizedClientException')
  const foreign = await issueKey(stranger.keyring, 'app')
  const given = await credentialsOf({ keyring: stranger.keyring }, foreign)
  t.equal(await send({ host }, { headers: signed(host, given) }), '400 UnrecognizedClientException')
  const other = await credentialsOf(
    door,
    await issueKey(keyring, 'app', 'r', { keyId: randomUUID() })
  )
  const mixed = { ...credentials, secretAccessKey: other.secretAccessKey }
  t.equal(await send({ host }, { headers: signed(host, mixed) }), '400 InvalidSignatureException')
  const misnamed = { ...credentials, accessKeyId: other.accessKeyId }
  const unrecognized = '400 UnrecognizedClientException'
  t.equal(await send({ host }, { headers: signed(host, misnamed) }), unrecognized)
  t.equal(await send({ host }, { headers: signed(host, credentials) }), '200 the value')
  t.equal(await send({ host }, { headers: signed(host, mixed) }), '400 InvalidSignatureException')
  const borrowed = { ...credentials, sessionToken: other.sessionToken }
  t.equal(await send({ host }, { headers: signed(host, borrowed) }), unrecognized, 'known terms')
  const bots = await door.as('app', 'r', { scopes: ['aura-services:bots'] })
  t.equal(await ask(bots.key), '400 AccessDeniedException')
})

test('a wrong signature is a failed login: on record with the key, and limited', async (t) => {
  const door = await open(t, { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_AUTH_FAILURES_MAX: '2' })
  const { host, credentials } = door
  const forged = { ...credentials, secretAccessKey: 'x'.repeat(43) }
  const headers = signed(host, forged)
  const answers: string[] = []
  for (let i = 0; i < 3; i++) answers.push(await send({ host }, { headers }))
  t.same(answers, [
    '400 InvalidSignatureException',
    '400 InvalidSignatureException',
    '400 ThrottlingException'
  ])
  const records = await recordsIn(door.folder)
  t.match(records.filter(({ action }) => action === 'key.authenticate').at(-1), {
    action: 'key.authenticate',
    outcome: 'denied',
    client: 'app',
    reason: 'signature_wrong',
    route: 'aws POST /'
  })
})

test('whatever else comes to the door is answered in its words', async (t) => {
  const { host, credentials } = await open(t)
  const headers = signed(host, credentials)
  const unknown = 'UnknownOperationException'
  t.equal(await send({ host }, { headers, line: 'POST /v1/secrets HTTP/1.1' }), `404 ${unknown}`)
  t.equal(await send({ host }, { headers, line: 'GET / HTTP/1.1' }), `405 ${unknown}`)
  const form = changed(headers, 'content-type', () => 'application/x-www-form-urlencoded')
  t.equal(await send({ host }, { headers: form }), '415 UnsupportedMediaTypeException')
  const body = 'x'.repeat(70_000)
  t.equal(await send({ host }, { headers, body }), '413 RequestEntityTooLargeException')
  const bare = signedHeaders(credentials, { host, target: GET, body: '{' })
  t.equal(await send({ host }, { headers: bare, body: '{' }), '400 InvalidParameterException')
  const twice = '{"SecretId":"app/db","SecretId":"app/xx"}'
  const doubled = signedHeaders(credentials, { host, target: GET, body: twice })
  t.equal(await send({ host }, { headers: doubled, body: twice }), '400 InvalidParameterException')
  const other = signedHeaders(credentials, { host, target: 'ssm.GetParameter', body: BODY })
  t.equal(await send({ host }, { headers: other }), `400 ${unknown}`)
})
