/** What the common suite cannot know of AWS: its names for errors, for versions and for secrets of other spellings. */

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { FaultReason } from '../../../src/core/fault.ts'
import type { Locator } from '../../../src/core/secret.ts'
import { awsSecretsManager } from '../../../src/kinds/aws/index.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { type Dialect, listen, openWire, type WireBehaviour } from '../../support/wire.ts'
import { awsDialect, openAws, useCredentials } from './fake.ts'

const open = async (
  t: Test,
  behaviour: WireBehaviour,
  dialect?: Dialect,
  environ?: Readonly<Record<string, string>>
) => {
  const { wire, provider, options } = await openAws(t, behaviour, dialect, environ)
  return { wire, read: (locator: Locator) => provider.read(locator, options) }
}

const NAMED: Readonly<Record<string, FaultReason>> = {
  ResourceNotFoundException: 'not_found',
  InvalidRequestException: 'not_found',
  AccessDeniedException: 'denied',
  DecryptionFailure: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidSignatureException: 'denied',
  ValidationException: 'misconfigured',
  InvalidParameterException: 'misconfigured',
  ThrottlingException: 'throttled',
  LimitExceededException: 'throttled',
  InternalServiceError: 'unavailable',
  SomethingNewException: 'unavailable'
}

test('an error of AWS goes by its name, which the operator gets to see', async (t) => {
  for (const [name, reason] of Object.entries(NAMED)) {
    const body = JSON.stringify({ __type: `com.amazonaws.secretsmanager#${name}`, message: 'x' })
    const type = 'application/x-amz-json-1.1'
    const { read } = await open(t, { read: 'status', status: 400, type, body })
    await t.rejects(read({ path: 'a' }), { name: 'ProviderFault', reason, code: name, status: 400 })
  }
})

test('a locator asks for an id, a staging label or an ARN as AWS wants it', async (t) => {
  const { wire, read } = await open(t, { read: 'found', text: 'x' })
  const id = 'EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE'
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf'
  await read({ path: 'app/db' })
  await read({ path: 'app/db', version: id })
  await read({ path: 'app/db', version: 'AWSPREVIOUS' })
  await read({ path: 'app/db', nativeId: arn })
  t.strictSame(
    wire.reads.map(({ body }) => JSON.parse(body)),
    [
      { SecretId: 'app/db' },
      { SecretId: 'app/db', VersionId: id },
      { SecretId: 'app/db', VersionStage: 'AWSPREVIOUS' },
      { SecretId: arn }
    ]
  )
})

test('an address that the SDK found by itself is of TLS or of this machine, or nothing is sent', async (t) => {
  const wire = await openWire(t, awsDialect, { read: 'found', text: 'x' })
  const { port } = new URL(wire.url)
  const profile = join(t.testdir(), 'config')
  writeFileSync(profile, `[default]\nendpoint_url = http://0.0.0.0:${port}\n`)
  const read = async (variables: Readonly<Record<string, string>>) => {
    const uri = `${wire.loginUrl}/credentials`
    useCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, ...variables })
    const provider = await awsSecretsManager.connect({ region: 'eu-west-1' }, createDeps())
    t.teardown(() => provider.close())
    return await provider.read({ path: 'a' }, { signal: AbortSignal.timeout(5_000) })
  }
  const reason = 'misconfigured'
  for (const variables of [
    { AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://0.0.0.0:${port}` },
    { AWS_ENDPOINT_URL: `http://0.0.0.0:${port}` },
    { AWS_CONFIG_FILE: profile }
  ]) {
    await t.rejects(read(variables), { reason, code: 'not_https' })
  }
  t.equal(wire.reads.length, 0)
  await t.resolves(read({ AWS_ENDPOINT_URL_SECRETS_MANAGER: wire.url }))
  t.equal(wire.reads.length, 1)
})

test('without any credentials the store is misconfigured, and nobody is asked', async (t) => {
  const { wire, read } = await open(t, { read: 'found', text: 'x' })
  delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  await t.rejects(read({ path: 'a' }), { name: 'ProviderFault', reason: 'misconfigured' })
  t.equal(wire.reads.length, 0)
})

test('where a renewal fails, the fault is the one that it was to cure', async (t) => {
  const expired = (message: string) => {
    // The chain finds no credentials from here on.
    delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
    return awsDialect.expired(message)
  }
  const { read } = await open(t, { read: 'expired', text: 'x' }, { ...awsDialect, expired })
  await t.rejects(read({ path: 'a' }), {
    name: 'ProviderFault',
    reason: 'denied',
    code: 'ExpiredTokenException'
  })
})

test('a clock that is wrong is set by the peer, and the read goes on', async (t) => {
  const theirTime = new Date(Date.now() + 3_600_000)
  const tooEarly = (message: string) => ({
    ...awsDialect.expired(message),
    headers: { date: theirTime.toUTCString() },
    body: JSON.stringify({ __type: 'InvalidSignatureException', message })
  })
  const dialect = { ...awsDialect, expired: tooEarly }
  const { wire, read } = await open(t, { read: 'expired once', text: 'x' }, dialect)
  await read({ path: 'a' })
  const [, second] = wire.reads
  const signedFor = second?.headers['x-amz-date']?.toString().slice(0, 11)
  t.equal(signedFor, theirTime.toISOString().replace(/[-:]/g, '').slice(0, 11))
})

/** An instance's metadata service; `tokenStatus` is what its token call answers. */
const openMetadata = async (t: Test, tokenStatus: number) => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const token = request.headers['x-aws-ec2-metadata-token']
    seen.push(`${request.method} ${request.url}${token === undefined ? '' : ' with a token'}`)
    const roles = '/latest/meta-data/iam/security-credentials/'
    if (request.method === 'PUT') response.writeHead(tokenStatus).end('a-token')
    else if (request.url === roles) response.end('a-role')
    else {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString()
      response.end(
        JSON.stringify({
          Code: 'Success',
          AccessKeyId: 'AKIAIOSFODNN7EXAMPL0',
          SecretAccessKey: 'x',
          Token: 'y',
          Expiration
        })
      )
    }
  })
  const endpoint = `http://127.0.0.1:${await listen(t, server)}`
  return { seen, endpoint }
}

const onInstance = async (t: Test, tokenStatus: number, environ?: Record<string, string>) => {
  const { seen, endpoint } = await openMetadata(t, tokenStatus)
  const { wire, read } = await open(t, { read: 'found', text: 'x' }, undefined, environ)
  delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  delete process.env['AWS_EC2_METADATA_DISABLED']
  process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = endpoint
  return { seen, wire, read }
}

test('the role of an instance is asked for with a session token (IMDSv2)', async (t) => {
  const { seen, read } = await onInstance(t, 200)
  await read({ path: 'a' })
  t.strictSame(seen, [
    'PUT /latest/api/token',
    'GET /latest/meta-data/iam/security-credentials/ with a token',
    'GET /latest/meta-data/iam/security-credentials/a-role with a token'
  ])
})

test('an instance that has IMDSv1 alone is asked without a token only if the operator says so', async (t) => {
  const asked = await onInstance(t, 404, { AWS_EC2_METADATA_V1_DISABLED: 'false' })
  await asked.read({ path: 'a' })
  t.strictSame(asked.seen, [
    'PUT /latest/api/token',
    'GET /latest/meta-data/iam/security-credentials/',
    'GET /latest/meta-data/iam/security-credentials/a-role'
  ])
  for (const word of ['true', 'no', '']) {
    const { seen, read } = await onInstance(t, 404, {
      AWS_EC2_METADATA_V1_DISABLED: word
    })
    await t.rejects(read({ path: 'a' }), { name: 'ProviderFault', reason: 'misconfigured' }, word)
    t.ok(
      seen.every((line) => line === 'PUT /latest/api/token'),
      word
    )
  }
})

test('where an instance gives no session token it is not asked without one (IMDSv1)', async (t) => {
  for (const status of [403, 404, 405, 500]) {
    const { seen, wire, read } = await onInstance(t, status)
    await t.rejects(read({ path: 'a' }), { name: 'ProviderFault', reason: 'misconfigured' })
    t.ok(seen.length > 0 && seen.every((line) => line === 'PUT /latest/api/token'), `${status}`)
    t.strictSame(wire.reads, [])
  }
})
