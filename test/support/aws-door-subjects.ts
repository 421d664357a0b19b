/** The doors in the dialects of AWS as tests speak to them; rows of `doors.ts`. */
import type { Keyring } from '../../src/crypto/keyring.ts'
import { credentialsOf } from './aws-door.ts'
import type { DoorSubject, Spoken } from './doors.ts'
import { ODD_PATHS } from './odd-paths.ts'
import type { Answered } from './problem.ts'
import { type AwsCredentials, signedHeaders } from './sigv4.ts'

const TOKEN = 'X-Amz-Security-Token'
const TARGET = 'X-Amz-Target'

const awsRequest = (key: string, operation: string, body: object): Spoken => ({
  method: 'POST',
  target: '/',
  headers: [
    [TOKEN, key],
    [TARGET, `secretsmanager.${operation}`]
  ],
  body: JSON.stringify(body)
})

const isTyped = (body: string): boolean => {
  try {
    const { __type: type, ...rest } = JSON.parse(body) as Record<string, unknown>
    return typeof type === 'string' && Object.keys(rest).every((name) => name === 'message')
  } catch {
    return false
  }
}

/** Of what is no key the signature is anybody's. */
const credentialsFor = async (keyring: Keyring, key: string): Promise<AwsCredentials> =>
  credentialsOf({ keyring }, key).catch(() => ({
    accessKeyId: 'PSR0000000000000000',
    secretAccessKey: 'x'.repeat(43),
    sessionToken: key
  }))

const headerIn = ({ headers }: Spoken, name: string): string | undefined =>
  headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1]

/** The host is the one that `doors.ts` writes. */
const sign = async (spoken: Spoken, keyring: Keyring): Promise<Spoken> => {
  const token = headerIn(spoken, TOKEN)
  if (token === undefined) return spoken
  const { body = '' } = spoken
  const target = headerIn(spoken, TARGET) ?? ''
  const credentials = await credentialsFor(keyring, token)
  const signed = signedHeaders(credentials, { host: 'localhost', target, body })
  const added = signed.filter(
    ([name]) => !['host', TOKEN, TARGET].some((one) => one.toLowerCase() === name)
  )
  return { ...spoken, headers: [...spoken.headers, ...added] }
}

const placesOf = (dialect: string) => {
  const entriesOf = (places: readonly string[]) =>
    places.map((place) => `{ dialect: ${dialect}, port: 0, store: ${place} }`)
  const besides = ['"alpha:team-a/"', '"alpha:nowhere-at-all/"', 'beta']
  return {
    entries: entriesOf([...besides, 'alpha', '"secrets:"']),
    besides: entriesOf(besides)
  }
}

const hiddenAws = (key: string): readonly Spoken[] =>
  ODD_PATHS.flatMap((SecretId) => [
    awsRequest(key, 'GetSecretValue', { SecretId }),
    awsRequest(key, 'GetSecretValue', { SecretId, VersionStage: 'AWSPREVIOUS' }),
    awsRequest(key, 'GetSecretValue', { SecretId, VersionStage: 'x'.repeat(250) }),
    awsRequest(key, 'GetSecretValue', { SecretId, VersionId: '0'.repeat(64) }),
    awsRequest(key, 'DescribeSecret', { SecretId }),
    awsRequest(key, 'BatchGetSecretValue', { SecretIdList: [SecretId] }),
    awsRequest(key, 'PutSecretValue', { SecretId, SecretString: 'x' }),
    awsRequest(key, 'CreateSecret', { Name: SecretId, SecretString: 'x' }),
    awsRequest(key, 'ListSecrets', {}),
    awsRequest(key, 'ListSecrets', { Filters: [{ Key: 'name', Values: [`${SecretId}/`] }] }),
    awsRequest(key, 'ListSecrets', { NextToken: 'x' })
  ])

export const aws: DoorSubject = {
  dialect: 'aws',
  entry: '{ dialect: aws, port: 0, store: alpha }',
  stores: ['alpha'],
  read: (key, { path }) => awsRequest(key, 'GetSecretValue', { SecretId: path }),
  list: (key, _store, folder) =>
    awsRequest(
      key,
      'ListSecrets',
      folder === '' ? {} : { Filters: [{ Key: 'name', Values: [folder] }] }
    ),
  write: (key, { path }, text) =>
    awsRequest(key, 'PutSecretValue', { SecretId: path, SecretString: text }),
  readRaw: (key, _store, written) => awsRequest(key, 'GetSecretValue', { SecretId: written }),
  nowhere: (key) => [
    ...['gamma:team-a/one', 'beta:team-a/one', 'short', 'batch'].map((SecretId) =>
      awsRequest(key, 'GetSecretValue', { SecretId })
    ),
    awsRequest(key, 'GetSecretValue', {
      SecretId: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team-a/one-AbCdEf'
    }),
    awsRequest(key, 'GetSecretValue', { SecretId: 'none', VersionStage: 'AWSPREVIOUS' }),
    awsRequest(key, 'GetSecretValue', { SecretId: 'none', VersionId: '0'.repeat(32) }),
    awsRequest(key, 'DescribeSecret', { SecretId: 'team-b/one' }),
    awsRequest(key, 'PutSecretValue', { SecretId: 'team-b/one', SecretString: 'x' }),
    awsRequest(key, 'CreateSecret', { Name: 'team-b/one', SecretString: 'x' })
  ],
  hidden: { ...placesOf('aws'), requests: hiddenAws },
  credentials: (key) => [[TOKEN, key]],
  withoutKey: ({ path }) => ({
    method: 'POST',
    target: '/',
    headers: [['Content-Type', 'application/x-amz-json-1.1']],
    body: JSON.stringify({ SecretId: path })
  }),
  statuses: { forbidden: 400, missing: 400, badKey: 400, twoKeys: 400, throttled: 400 },
  isOwnError: ({ headers, body }: Answered) =>
    headers['content-type'] === 'application/x-amz-json-1.1' && isTyped(body),
  tellsEnds: true,
  sign
}

const AGENT_TOKEN = 'X-Aws-Parameters-Secrets-Token'

const agentRequest = (key: string, target: string): Spoken => ({
  method: 'GET',
  target,
  headers: [[AGENT_TOKEN, key]]
})

const ofQuery = (path: string): string => `/secretsmanager/get?secretId=${encodeURIComponent(path)}`

export const awsAgent: DoorSubject = {
  dialect: 'aws-agent',
  entry: '{ dialect: aws-agent, port: 0, store: alpha }',
  stores: ['alpha'],
  read: (key, { path }) => agentRequest(key, ofQuery(path)),
  readRaw: (key, _store, written) => agentRequest(key, `/v1/${written}`),
  nowhere: (key) => [
    ...['gamma:team-a/one', 'beta:team-a/one', 'short'].map((id) => agentRequest(key, ofQuery(id))),
    agentRequest(key, '/v1/gamma/one'),
    agentRequest(key, '/v1/none?versionStage=AWSPREVIOUS'),
    agentRequest(key, '/v1/team-b/one?refreshNow=true')
  ],
  hidden: {
    ...placesOf('aws-agent'),
    requests: (key) =>
      ODD_PATHS.flatMap((path) =>
        ['', '&versionStage=AWSPREVIOUS', `&versionStage=${'x'.repeat(900)}`, '&versionId=%00'].map(
          (query) => agentRequest(key, `${ofQuery(path)}${query}`)
        )
      )
  },
  credentials: (key) => [
    [AGENT_TOKEN, key],
    ['X-Vault-Token', key]
  ],
  withoutKey: ({ path }) => ({ method: 'GET', target: ofQuery(path), headers: [] }),
  statuses: { forbidden: 400, missing: 400, badKey: 403, twoKeys: 400, throttled: 429 },
  isOwnError: ({ headers, body }: Answered) =>
    headers['content-type'] === 'application/json'
      ? isTyped(body)
      : headers['content-type'] === 'text/plain; charset=utf-8' && /^[A-Za-z ]{4,80}$/.test(body)
}
