/**
 * GCP Secret Manager for the contract suite: how its API talks over gRPC, and how to put secrets into drongo. Rule: the
 * messages of the wire are written byte by byte from their published definitions, so that the SDK is not its own witness.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { crc32c } from '../../../src/kinds/gcp/crc32c.ts'
import { gcpSecretManager } from '../../../src/kinds/gcp/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore, Subject } from '../../contract/provider-suite.ts'
import { isInstalled, startPeer } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import type { Dialect, WireAnswer, WireRequest } from '../../support/wire.ts'

export const PROJECT = 'purser-test'

/** https://protobuf.dev/programming-guides/encoding/ */
const varint = (number: number): Buffer => {
  const bytes: number[] = []
  let rest = number
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
const number = (field: number, value: number) => Buffer.concat([varint(field * 8), varint(value)])
const bytes = (field: number, value: string | Buffer) => {
  const content = Buffer.from(value as string)
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content])
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const GRPC = { 'content-type': 'application/grpc' }

/** An answer that holds one message. */
export const message = (...fields: Buffer[]): WireAnswer => {
  const content = Buffer.concat(fields)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(content.length, 1)
  return {
    status: 200,
    headers: GRPC,
    body: Buffer.concat([prefix, content]).toString('latin1'),
    encoding: 'latin1',
    trailers: { 'grpc-status': '0' }
  }
}

/** One `google.protobuf.Any` of a google.rpc type. */
const detail = (type: string, ...fields: Buffer[]) =>
  bytes(
    3,
    Buffer.concat([
      bytes(1, `type.googleapis.com/google.rpc.${type}`),
      bytes(2, Buffer.concat(fields))
    ])
  )
export const errorInfo = (reason: string) =>
  detail('ErrorInfo', bytes(1, reason), bytes(2, 'googleapis.com'))
export const retryInfo = (seconds: number) => detail('RetryInfo', bytes(1, number(1, seconds)))

/** A status other than OK, as Google sends it: in the head, without a body. `details` are of google.rpc.Status. */
export const refusal = (code: number, text: string, ...details: Buffer[]): WireAnswer => ({
  status: 200,
  headers: {
    ...GRPC,
    'grpc-status': String(code),
    'grpc-message': encodeURIComponent(text),
    ...(details.length > 0 && {
      'grpc-status-details-bin': Buffer.concat([
        number(1, code),
        bytes(2, text),
        ...details
      ]).toString('base64')
    })
  },
  body: ''
})

/** AccessSecretVersionResponse; `checksum` null for a payload without one. */
export const accessed = (
  name: string,
  data: Buffer,
  checksum: number | null = crc32c(data)
): WireAnswer => {
  const sum = checksum === null ? [] : [number(2, checksum)]
  return message(bytes(1, name), bytes(2, Buffer.concat([bytes(1, data), ...sum])))
}

/** Secret, of which the labels are a map. */
export const labelled = (labels: Readonly<Record<string, string>>): WireAnswer =>
  message(
    ...Object.entries(labels).map(([key, value]) =>
      bytes(4, Buffer.concat([bytes(1, key), bytes(2, value)]))
    )
  )

/** ListSecretsResponse; `next` is the token of the page that follows. */
export const listed = (names: readonly string[], next = ''): WireAnswer =>
  message(...names.map((name) => bytes(1, bytes(1, name))), bytes(2, next))

/** ListSecretsRequest, as the bytes of its message. */
export const listRequest = (parent: string, pageSize: number, pageToken = ''): Buffer =>
  Buffer.concat([
    bytes(1, parent),
    number(2, pageSize),
    ...(pageToken === '' ? [] : [bytes(3, pageToken)])
  ])

/** SecretVersion, of which nothing but the name is looked at. */
export const added = (name: string): WireAnswer => message(bytes(1, name))

/** AddSecretVersionRequest, as the bytes of its message. */
export const addRequest = (parent: string, data: Buffer, checksum: number): Buffer =>
  Buffer.concat([bytes(1, parent), bytes(2, Buffer.concat([bytes(1, data), number(2, checksum)]))])

/** The message of a request, without the five bytes of its frame. */
export const messageIn = ({ body }: WireRequest): Buffer => Buffer.from(body.slice(5), 'latin1')

/** The method that the request calls, and the first text of its message: the name or the parent. */
export const calledIn = ({ url, body }: WireRequest): readonly [string, string] => {
  // After the five bytes of the frame and one for the field; no name here takes a second byte for its length.
  const length = body.charCodeAt(6)
  return [url.slice(url.lastIndexOf('/') + 1), body.slice(7, 7 + length)]
}

/** TestIamPermissionsResponse. */
export const granted = (permissions: readonly string[]): WireAnswer =>
  message(...permissions.map((one) => bytes(1, one)))

/** What a TestIamPermissionsRequest asks for: the texts behind the resource. */
export const permissionsIn = (request: WireRequest): readonly string[] =>
  messageIn(request)
    .toString('latin1')
    .match(/secretmanager\.[A-Za-z.]+/g) ?? []

/** As Google answers: with the number of the project where the request had its id. */
export const VERSION_NAME = 'projects/123456789012/secrets/some-secret/versions/7'

export const gcpDialect: Dialect = {
  http2: true,
  found: (text, request) => {
    const [method] = calledIn(request)
    if (method === 'ListSecrets') return listed(['projects/123456789012/secrets/some-secret'])
    if (method === 'AddSecretVersion') return added(VERSION_NAME)
    if (method === 'GetSecret') return labelled({ 'purser-read': 'true' })
    return accessed(VERSION_NAME, Buffer.from(text))
  },
  notFound: (text) => refusal(5, text),
  denied: (text) => refusal(7, text, errorInfo('IAM_PERMISSION_DENIED')),
  throttled: (text, retryAfter) =>
    refusal(8, text, ...(retryAfter === undefined ? [] : [retryInfo(Number(retryAfter))])),
  expired: (text) => refusal(16, text, errorInfo('ACCESS_TOKEN_EXPIRED')),
  login: ({ url }, n) =>
    url === '/v1/token'
      ? {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            access_token: `token-${n}`,
            issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            token_type: 'Bearer',
            expires_in: 3600
          })
        }
      : undefined,
  refusedLogin: (text) => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: 'invalid_grant', error_description: text })
  }),
  credentialOf: ({ headers }) => headers.authorization
}

/** Google's libraries read these; nothing of this machine's own may come in, and nobody beyond it be asked. */
export const useEnvironment = (t: Test, variables: Readonly<Record<string, string>>): void => {
  const isOurs = (name: string) => /^(GOOGLE|GCLOUD|GCE|METADATA|CLOUDSDK|GRPC)_|proxy$/i.test(name)
  const before = Object.entries(process.env).filter(([name]) => isOurs(name))
  const clear = () => {
    for (const name of Object.keys(process.env)) if (isOurs(name)) delete process.env[name]
  }
  clear()
  Object.assign(process.env, {
    METADATA_SERVER_DETECTION: 'none',
    GCE_METADATA_HOST: '127.0.0.1:1',
    ...variables
  })
  t.teardown(() => {
    clear()
    Object.assign(process.env, Object.fromEntries(before))
  })
}

/** Workload identity federation: the one of the default credentials whose logins go where a file says. */
export const connectGcp = (
  t: Test,
  { url, loginUrl, ca }: { readonly url: string; readonly loginUrl: string; readonly ca?: string },
  deps: ProviderDeps,
  more: object = {}
): Promise<SecretProvider> => {
  const folder = t.testdir({ 'subject-token': 'a token of another issuer' })
  const credentials = join(folder, 'credentials.json')
  writeFileSync(
    credentials,
    JSON.stringify({
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${loginUrl}/v1/token`,
      credential_source: { file: join(folder, 'subject-token') }
    })
  )
  useEnvironment(t, { GOOGLE_APPLICATION_CREDENTIALS: credentials })
  const caCertFile = join(folder, 'ca.pem')
  if (ca !== undefined) writeFileSync(caCertFile, ca)
  const { host, protocol } = new URL(url)
  return gcpSecretManager.connect(
    {
      project: PROJECT,
      endpoint: host,
      auth: { method: 'default' },
      ...(protocol === 'http:' && { insecure: true }),
      ...(ca !== undefined && { caCertFile }),
      ...more
    },
    deps
  )
}

const ALREADY_EXISTS = 6

const openDrongo = async (t: Test): Promise<RealStore> => {
  const { port } = await startPeer(t, 'drongo')
  useEnvironment(t, {})
  const { SecretManagerServiceClient } = await import('@google-cloud/secret-manager')
  const { grpc } = await import('google-gax')
  const sslCreds = grpc.credentials.createInsecure()
  const admin = new SecretManagerServiceClient({ apiEndpoint: '127.0.0.1', port, sslCreds })
  t.teardown(() => admin.close())

  const parent = `projects/${PROJECT}`
  const nameOf = (id: string): string => `${parent}/secrets/${id}`
  const put = async (secretId: string, data: Buffer): Promise<{ readonly version: string }> => {
    await admin
      .createSecret({ parent, secretId, secret: { replication: { automatic: {} } } })
      .catch((error: { readonly code?: unknown }) => {
        if (error.code !== ALREADY_EXISTS) throw error
      })
    const [{ name }] = await admin.addSecretVersion({ parent: nameOf(secretId), payload: { data } })
    return { version: name?.split('/').at(-1) ?? '' }
  }

  const endpoint = `127.0.0.1:${port}`
  return {
    provider: await gcpSecretManager.connect(
      { project: PROJECT, endpoint, insecure: true },
      createDeps()
    ),
    seed: (path, text) => put(path, Buffer.from(text)),
    seedBinary: put,
    remove: async (path) => {
      await admin.deleteSecret({ name: nameOf(path) })
    },
    tag: async (path, labels) => {
      const secret = { name: nameOf(path), labels }
      await admin.updateSecret({ secret, updateMask: { paths: ['labels'] } })
    }
  }
}

export const gcpSubject: Subject = {
  path: (name) => name.replaceAll('/', '-'),
  specialNames: ['special_name-0', 'special_UPPER-lower', '0', '-', '_'],
  stores: 'texts',
  storesEmptyText: false, // Google refuses an empty payload
  largestTextBytes: 65_536,
  absentVersion: '999999',
  powers: {
    write: { toMissing: 'not_found', tooLargeBytes: 65_537 },
    list: { prefix: () => '' },
    readTags: true
  },
  real: { available: () => isInstalled('drongo'), open: openDrongo },
  wire: { dialect: gcpDialect, checkLists: true, connect: connectGcp }
}
