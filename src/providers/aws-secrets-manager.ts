/**
 * AWS Secrets Manager. Credentials come from the SDK's default chain (environment, profile, web identity, container,
 * instance), the region and the accounts from configuration. Rule: of an SDK error only its name and status go on; its
 * message and its `$response` may hold the secret.
 *
 * IAM: `secretsmanager:GetSecretValue` on the secrets (and `kms:Decrypt` on a key of one's own) to read;
 * nothing more to check, where `secretsmanager:ListSecrets` may be refused.
 */
import { readFile } from 'node:fs/promises'
import type { GetSecretValueResponse } from '@aws-sdk/client-secrets-manager'
import { type Static, Type } from 'typebox'
import { type FaultReason, ProviderFault } from '../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../core/secret.ts'
import {
  reasonOfCode,
  reasonOfStatus,
  retryAfterSeconds,
  retryOnce,
  settleBySignal
} from './fault-of.ts'
import { type CallOptions, defineProvider } from './provider.ts'

const Settings = Type.Object(
  {
    region: Type.String({
      pattern: '^[a-z]{2,4}(-[a-z]+)+-\\d{1,2}$',
      description: 'the region, e.g. `eu-west-1`'
    }),
    accounts: Type.Optional(
      Type.Array(Type.String({ pattern: '^\\d{12}$' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'the accounts whose ARNs are accepted; ARNs of other accounts are refused'
      })
    ),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@\\s]+/?$',
        description: 'a VPC endpoint instead of the public one; `http:` on this machine only'
      })
    ),
    partition: Type.Optional(
      Type.String({
        pattern: '^aws(-[a-z]+)*$',
        description: "the partition of the region's ARNs; derived from the region if absent"
      })
    ),
    caCertFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'a PEM file with the authorities to trust instead of the public ones'
      })
    )
  },
  { additionalProperties: false }
)

/** As the SDK's endpoint rules tell regions apart; whatever is not special is `aws`. */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f']
]

const partitionOf = ({ partition, region }: Static<typeof Settings>): string =>
  partition ?? PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * The errors of GetSecretValue and ListSecrets, and the common ones of AWS.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
 */
const REASONS: ReadonlyMap<string, FaultReason> = new Map([
  ['ResourceNotFoundException', 'not_found'],
  // For a read it has one meaning: the secret is scheduled for deletion.
  ['InvalidRequestException', 'not_found'],
  ['AccessDeniedException', 'denied'],
  ['DecryptionFailure', 'denied'],
  ['ExpiredTokenException', 'denied'],
  ['ExpiredToken', 'denied'],
  ['IncompleteSignature', 'denied'],
  ['InvalidClientTokenId', 'denied'],
  ['InvalidSignatureException', 'denied'],
  ['MissingAuthenticationToken', 'denied'],
  ['NotAuthorized', 'denied'],
  ['OptInRequired', 'denied'],
  ['RequestExpired', 'denied'],
  ['RequestTimeTooSkewed', 'denied'],
  ['SignatureDoesNotMatch', 'denied'],
  ['UnrecognizedClientException', 'denied'],
  ['CredentialsProviderError', 'misconfigured'],
  ['TokenProviderError', 'misconfigured'],
  ['InvalidParameterException', 'misconfigured'],
  ['ValidationException', 'misconfigured'],
  ['ValidationError', 'misconfigured'],
  ['LimitExceededException', 'throttled'],
  ['RequestLimitExceeded', 'throttled'],
  ['SlowDown', 'throttled'],
  ['Throttling', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['TooManyRequestsException', 'throttled'],
  ['InternalFailure', 'unavailable'],
  ['InternalServiceError', 'unavailable'],
  ['ServiceUnavailable', 'unavailable']
])

/** A new set of credentials from the chain may cure these. */
const EXPIRED = new Set(['ExpiredTokenException', 'ExpiredToken'])

/** Our clock may be wrong: the SDK has set it by the answer's Date, and signs the next request accordingly. */
const SKEWED = new Set([
  'InvalidSignatureException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch'
])

/** The members of an SDK error that we look at; there are more, and none of them is to go any further. */
interface SdkError {
  readonly name?: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const reasonOf = ({ name = '', code, $metadata }: SdkError): FaultReason => {
  const known = REASONS.get(name)
  if (known !== undefined) return known
  // Before the name `TimeoutError`: the SDK gives it to a reset connection too.
  if (typeof code === 'string') return reasonOfCode(code)
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout'
  // An answer that is no JSON is a `SyntaxError` with the status of that answer.
  const status = $metadata?.httpStatusCode
  return status === undefined ? 'unavailable' : reasonOfStatus(status)
}

const faultOf = (thrown: unknown, now: number): ProviderFault => {
  if (thrown instanceof ProviderFault) return thrown
  const error = (thrown ?? {}) as SdkError
  return new ProviderFault(reasonOf(error), {
    code: error.name,
    status: error.$metadata?.httpStatusCode,
    retryAfterSeconds: retryAfterSeconds(error.$response?.headers?.['retry-after'], now)
  })
}

const VERSION_ID = /^[A-Za-z0-9-]{32,64}$/

/** A version is the id that AWS gave it; whatever does not look like one is a staging label, such as AWSPREVIOUS. */
const requestFor = ({ path, version, nativeId }: Locator) => ({
  SecretId: nativeId ?? path,
  ...(version !== undefined &&
    (VERSION_ID.test(version) ? { VersionId: version } : { VersionStage: version }))
})

const asUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const toRecord = (answer: GetSecretValueResponse): SecretRecord => {
  const { SecretString, SecretBinary, VersionId: version } = answer
  const text = SecretString ?? (SecretBinary && asUtf8(SecretBinary))
  if (typeof version !== 'string') throw new ProviderFault('invalid_answer')
  if (typeof text === 'string') return { text: new Sensitive(text), version }
  if (SecretBinary === undefined) throw new ProviderFault('invalid_answer')
  const base64 = Buffer.from(SecretBinary).toString('base64')
  return { text: new Sensitive(base64), version, encoding: 'base64' }
}

export const awsSecretsManager = defineProvider({
  kind: 'aws-secrets-manager',
  settings: Settings,

  address: (settings) => {
    const { region, accounts = [], endpoint } = settings
    if (endpoint?.startsWith('http:') && !LOOPBACK.test(new URL(endpoint).hostname)) {
      throw new Error('an http: endpoint would send secrets in the clear: use https:')
    }
    return { kind: 'aws-secrets-manager', partition: partitionOf(settings), region, accounts }
  },

  connect: async ({ region, endpoint, caCertFile }, { now }) => {
    const { SecretsManagerClient, GetSecretValueCommand, ListSecretsCommand } = await import(
      '@aws-sdk/client-secrets-manager'
    )
    const client = new SecretsManagerClient({
      region,
      ...(endpoint !== undefined && { endpoint }),
      // Retries are ours: the SDK's would wait out a throttle, in a caller's time, where the breaker should hear of it.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: 1_000,
        requestTimeout: 10_000, // a net below the caller's signal, which comes sooner
        throwOnRequestTimeout: true, // otherwise it is only a line on the console
        httpsAgent: {
          keepAlive: true,
          maxSockets: 50,
          ...(caCertFile !== undefined && { ca: await readFile(caCertFile) })
        }
      }
    })

    /** Renews credentials that have expired; for what may pass by itself it is enough to try again. */
    const isCured = async ({ code = '', reason }: ProviderFault): Promise<boolean> => {
      if (!EXPIRED.has(code)) return reason === 'unavailable' || SKEWED.has(code)
      return client.config.credentials({ forceRefresh: true }).then(
        () => true,
        () => false
      )
    }

    const call = <T>(options: CallOptions, send: () => Promise<T>): Promise<T> => {
      const attempt = () =>
        send().catch((error: unknown) => {
          throw faultOf(error, now())
        })
      // The SDK's abortSignal does not reach a credential provider that hangs; `settleBySignal` does.
      return settleBySignal(options, () => retryOnce(options, attempt, isCured))
    }

    return {
      read: (locator, options) =>
        call(options, async () =>
          toRecord(
            await client.send(new GetSecretValueCommand(requestFor(locator)), {
              abortSignal: options.signal
            })
          )
        ),
      check: async (options) => {
        try {
          const command = new ListSecretsCommand({ MaxResults: 1 })
          await call(options, () => client.send(command, { abortSignal: options.signal }))
        } catch (fault) {
          // AWS knows who we are and does not let us list: a least-privilege role, in good health.
          if ((fault as ProviderFault).code !== 'AccessDeniedException') throw fault
        }
      },
      close: async () => client.destroy()
    }
  }
})
