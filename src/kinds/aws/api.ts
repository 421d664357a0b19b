/**
 * Calls to Secrets Manager by the SDK's client. Rule: each shows what the chain of credentials found, and is made twice
 * at most; the client tries nothing again by itself.
 */
import { pipeline, Readable, Transform } from 'node:stream'
import type * as Sdk from '@aws-sdk/client-secrets-manager'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { isLoopback } from '../../core/network.ts'
import { readFileBytes } from '../../files/read.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { boundEveryAnswer } from '../shared/answer-bound.ts'
import type { Route } from '../shared/proxy.ts'
import { createHttpAgent, createHttpsAgent } from '../shared/proxy-agent.ts'
import { PURSER_VERSION } from '../shared/user-agent.ts'
import { DISOWNED, faultOf, IN_THE_CLEAR, type Reasons, SKEWED, TOO_LARGE } from './faults.ts'
import { createChain } from './login.ts'
import type { Sign } from './review.ts'
import type { StoreSettings } from './settings.ts'

export interface Api {
  /** `send` is called anew for each attempt; `reasons` as for `faultOf`. Throws ProviderFault. */
  readonly call: <T>(
    options: CallOptions,
    send: (
      client: Sdk.SecretsManager,
      sending: { readonly abortSignal: AbortSignal }
    ) => Promise<T>,
    reasons?: Reasons
  ) => Promise<T>
  /** With what the chain of credentials found. Throws ProviderFault. */
  readonly sign: Sign
  readonly close: () => Promise<void>
}

/** A batch of twenty secrets of 64 KiB, of which JSON may write each byte with six characters, and what stands beside them. */
const LARGEST_ANSWER_BYTES = 8 * 1024 * 1024

/** The stream, which fails once it is longer than any answer of AWS, and ends its connection then. */
const bounded = (body: Readable): Readable => {
  let size = 0
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length
      if (size <= LARGEST_ANSWER_BYTES) done(null, chunk)
      else done(Object.assign(new Error('the answer is too large'), { name: TOO_LARGE }))
    }
  })
  // Its outcome is that of the stream which is read.
  pipeline(body, counted, () => {})
  return counted
}

/** The SDK reads an answer whole, however long it is. */
const boundAnswers = ({ middlewareStack }: Sdk.SecretsManager): void =>
  middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as { body?: unknown }
      if (response.body instanceof Readable) response.body = bounded(response.body)
      return result
    },
    // Next to the wire: what takes the answer apart comes after it.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' }
  )

/**
 * The SDK takes an address from variables and files of profiles too, which no setting of ours has seen. Secrets travel in
 * the clear on this machine alone, whoever names it.
 */
const holdToTls = ({ middlewareStack }: Sdk.SecretsManager): void =>
  middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname = '' } = args.request as { protocol?: string; hostname?: string }
      if (protocol !== 'https:' && !isLoopback(hostname)) {
        throw new ProviderFault('misconfigured', { code: IN_THE_CLEAR })
      }
      return await next(args)
    },
    // Next to the wire: whatever chose the address came before.
    { step: 'deserialize', priority: 'low', name: 'holdToTls' }
  )

/** The SDK's own variable; `false` is the only word that asks for IMDSv1. */
const V1_DISABLED = { env: 'AWS_EC2_METADATA_V1_DISABLED' } as const

/** Whether an instance may be asked without a token, where it gives none. Off unless the operator says so. */
const allowsV1 = ({ credential }: Pick<ProviderDeps, 'credential'>): Promise<boolean> =>
  credential(V1_DISABLED, { signal: AbortSignal.timeout(1_000) }).then(
    (word) => word.reveal() === 'false',
    () => false
  )

/** What the client hands down to its chain of credentials, though its type does not say so. */
const ofChain = (isV1Allowed: boolean): object => ({
  // An answer without a token is one that a page or an open proxy on the instance could have had as well (IMDSv2).
  ec2MetadataV1Disabled: !isV1Allowed,
  // Or files of profiles would be read once in the life of a process, and a mended one never.
  ignoreCache: true
})

const clientFor = (
  { SecretsManager }: typeof Sdk,
  { region, endpoint }: StoreSettings,
  ca: Buffer | undefined,
  route: Route,
  isV1Allowed: boolean
): Sdk.SecretsManager => {
  const pool = { keepAlive: true, maxSockets: 50 }
  return new SecretsManager({
    ...ofChain(isV1Allowed),
    region,
    customUserAgent: [['purser', PURSER_VERSION]],
    ...(endpoint !== undefined && { endpoint }),
    // Retries are ours: the SDK's would wait out a throttle, in a caller's time, where the breaker should hear of it.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 10_000, // a net below the caller's signal, which comes sooner
      throwOnRequestTimeout: true, // otherwise it is only a line on the console
      httpAgent: createHttpAgent(pool, route),
      httpsAgent: createHttpsAgent({ ...pool, ...(ca !== undefined && { ca }) }, route)
    }
  })
}

export const createApi = async (
  settings: StoreSettings,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now' | 'route'>
): Promise<Api> => {
  // STS, SSO and the metadata services are asked by the chain of credentials.
  boundEveryAnswer()
  const { caCertFile } = settings
  const sdk = await import('@aws-sdk/client-secrets-manager')
  const ca = caCertFile === undefined ? undefined : pemOfFile(await readFileBytes(caCertFile))
  const client = clientFor(sdk, settings, ca, deps.route, await allowsV1(deps))
  boundAnswers(client)
  holdToTls(client)
  const chain = createChain((options) => client.config.credentials(options), deps)
  /** With credentials found anew; for what may pass by itself it is enough to try again. */
  const isMended = (): Promise<boolean> =>
    chain.get().then(
      () => true,
      () => false
    )
  return {
    call: (options, send, reasons) => {
      const attempt = (): ReturnType<typeof send> =>
        send(client, { abortSignal: options.signal }).catch((error: unknown) => {
          throw faultOf(error, deps.now(), reasons)
        })
      return chain.use(options, attempt, {
        isDisowned: ({ code = '' }) => DISOWNED.has(code),
        isMended,
        isWorthAnother: ({ code = '', reason }) => reason === 'unavailable' || SKEWED.has(code)
      })
    },
    sign: async (signingService, signingRegion, { hostname, headers, body }) => {
      try {
        // Its own: the client would take another service's name for its own from then on.
        const signer = await client.config.signer()
        const request = { method: 'POST', protocol: 'https:', hostname, path: '/', query: {} }
        const signed = { ...request, headers: { ...headers }, body }
        return (await signer.sign(signed, { signingService, signingRegion })).headers
      } catch (error) {
        throw faultOf(error, deps.now())
      }
    },
    close: async () => {
      chain.close()
      client.destroy()
    }
  }
}
