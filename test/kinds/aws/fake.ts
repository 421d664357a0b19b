/** AWS Secrets Manager for the contract suite: how its API talks, and how to put secrets into moto. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { awsSecretsManager } from '../../../src/kinds/aws/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore, Subject } from '../../contract/provider-suite.ts'
import { isInstalled, startPeer } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import {
  type Dialect,
  openWire,
  type WireAnswer,
  type WireBehaviour,
  type WireRequest
} from '../../support/wire.ts'

const REGION = 'eu-west-1'
const VERSION_ID = '11111111-2222-3333-4444-555555555555'

export const answer = (status: number, body: unknown): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body)
})

/** AWS JSON 1.1: an error's name is in `__type`. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
export const error = (type: string, message: string): WireAnswer =>
  answer(400, { __type: type, message, Message: message })

/** The operation that a request is for. */
export const operationOf = ({ headers }: WireRequest): string =>
  headers['x-amz-target']?.toString().replace('secretsmanager.', '') ?? ''

export const arnOf = (name: string): string =>
  `arn:aws:secretsmanager:${REGION}:123456789012:secret:${name}-AbCdEf`

export const secretValue = (name: string, text: string) => ({
  ARN: arnOf(name),
  Name: name,
  VersionId: VERSION_ID,
  VersionStages: ['AWSCURRENT'],
  SecretString: text
})

/** The members that the answers here look at; each operation has its own. */
interface AwsRequest {
  readonly SecretId: string
  readonly SecretIdList: readonly string[]
  readonly ClientRequestToken: string
}

/** What AWS answers, by operation, where all is well. */
const ANSWERS: Readonly<Record<string, (text: string, request: AwsRequest) => object>> = {
  GetSecretValue: (text, { SecretId }) => secretValue(SecretId, text),
  BatchGetSecretValue: (text, { SecretIdList }) => ({
    SecretValues: SecretIdList.map((id) => secretValue(id, text)),
    Errors: []
  }),
  DescribeSecret: (_, { SecretId }) => ({ ARN: arnOf(SecretId), Name: SecretId, Tags: [] }),
  PutSecretValue: (_, { SecretId, ClientRequestToken }) => ({
    ARN: arnOf(SecretId),
    Name: SecretId,
    VersionId: ClientRequestToken
  }),
  ListSecrets: () => ({ SecretList: [] })
}

export const awsDialect: Dialect = {
  found: (text, request) =>
    answer(200, ANSWERS[operationOf(request)]?.(text, JSON.parse(request.body)) ?? {}),
  notFound: (message) => error('ResourceNotFoundException', message),
  denied: (message) => error('AccessDeniedException', message),
  throttled: (message) => error('ThrottlingException', message),
  expired: (message) => error('ExpiredTokenException', message),
  login: ({ url }, n) =>
    url === '/credentials'
      ? answer(200, {
          AccessKeyId: `AKIAIOSFODNN7EXAMPL${n}`,
          SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
          Token: `session-${n}`,
          Expiration: new Date(Date.now() + 3_600_000).toISOString()
        })
      : undefined,
  credentialOf: ({ headers }) => headers['x-amz-security-token']?.toString()
}

/** The SDK's chain reads these; nothing of this machine's own may come in. */
export const useCredentials = (t: Test, variables: Readonly<Record<string, string>>): void => {
  const wanted: Readonly<Record<string, string>> = {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...variables
  }
  const before = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'))
  const clear = () => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) delete process.env[name]
    }
  }
  clear()
  Object.assign(process.env, wanted)
  t.teardown(() => {
    clear()
    Object.assign(process.env, Object.fromEntries(before))
  })
}

export const connectAws = (
  t: Test,
  { url, loginUrl, ca }: { readonly url: string; readonly loginUrl: string; readonly ca?: string },
  deps: ProviderDeps
): Promise<SecretProvider> => {
  useCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${loginUrl}/credentials` })
  const settings = { region: REGION, endpoint: url }
  if (ca === undefined) return awsSecretsManager.connect(settings, deps)
  const caCertFile = join(t.testdir(), 'ca.pem')
  writeFileSync(caCertFile, ca)
  return awsSecretsManager.connect({ ...settings, caCertFile }, deps)
}

/** A provider that talks to a wire of the given behaviour, with the options of a call that has time enough. */
export const openAws = async (
  t: Test,
  behaviour: WireBehaviour,
  dialect: Dialect = awsDialect,
  environ: Readonly<Record<string, string>> = {}
) => {
  const wire = await openWire(t, dialect, behaviour)
  const provider = await connectAws(t, wire, createDeps(environ))
  t.teardown(() => provider.close())
  return { wire, provider, options: { signal: AbortSignal.timeout(5_000) } }
}

type Answers = Readonly<Record<string, (request: AwsRequest, n: number) => WireAnswer>>

/** AWS that answers some operations in its own way; `n` counts the requests for an operation, from 1. */
export const openAnswering = async (t: Test, answers: Answers = {}) => {
  const asked = new Map<string, number>()
  const found = (text: string, request: WireRequest): WireAnswer => {
    const operation = operationOf(request)
    const n = (asked.get(operation) ?? 0) + 1
    asked.set(operation, n)
    return answers[operation]?.(JSON.parse(request.body), n) ?? awsDialect.found(text, request)
  }
  const opened = await openAws(t, { read: 'found', text: 'x' }, { ...awsDialect, found })
  const { write, list, readMany, readTags } = opened.provider
  if (!write || !list || !readMany || !readTags) throw new Error('a power is missing')
  const bodies = (operation: string) =>
    opened.wire.reads
      .filter((request) => operationOf(request) === operation)
      .map(({ body }) => JSON.parse(body))
  return { ...opened, write, list, readMany, readTags, bodies, asked }
}

const openMoto = async (t: Test): Promise<RealStore> => {
  const { url } = await startPeer(t, 'moto')
  useCredentials(t, { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'x' })
  const {
    SecretsManagerClient,
    CreateSecretCommand,
    DeleteSecretCommand,
    PutSecretValueCommand,
    ResourceNotFoundException,
    TagResourceCommand
  } = await import('@aws-sdk/client-secrets-manager')
  const admin = new SecretsManagerClient({ region: REGION, endpoint: url })
  t.teardown(() => admin.destroy())

  const put = async (name: string, value: { SecretString: string } | { SecretBinary: Buffer }) => {
    const put = new PutSecretValueCommand({ SecretId: name, ...value })
    const { VersionId } = await admin.send(put).catch((error: unknown) => {
      if (!(error instanceof ResourceNotFoundException)) throw error
      return admin.send(new CreateSecretCommand({ Name: name, ...value }))
    })
    if (VersionId === undefined) throw new Error('moto gave the version no id')
    return { version: VersionId }
  }

  return {
    provider: await awsSecretsManager.connect({ region: REGION, endpoint: url }, createDeps()),
    seed: (path, text) => put(path, { SecretString: text }),
    seedBinary: (path, bytes) => put(path, { SecretBinary: bytes }),
    remove: async (path) => {
      await admin.send(new DeleteSecretCommand({ SecretId: path, RecoveryWindowInDays: 7 }))
    },
    tag: async (path, tags) => {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      await admin.send(new TagResourceCommand({ SecretId: path, Tags }))
    }
  }
}

export const awsSubject: Subject = {
  path: (name) => name,
  specialNames: ['special/a_b+c=d.e@f-g', 'special/UPPER/lower/0', 'special/looks-like-AbCdEf'],
  stores: 'texts',
  storesEmptyText: false, // AWS refuses an empty SecretString
  largestTextBytes: 65_536,
  absentVersion: '00000000-0000-4000-8000-000000000000',
  powers: {
    write: { toMissing: 'not_found', tooLargeBytes: 65_537, isIdempotent: true },
    // moto dies of a cursor that it did not give: see aws-secrets-manager.test.ts for one.
    list: { prefix: (name) => `${name}/` },
    readMany: true,
    readTags: true
  },
  real: { available: () => isInstalled('moto'), open: openMoto },
  wire: { dialect: awsDialect, checkLists: true, connect: connectAws }
}
