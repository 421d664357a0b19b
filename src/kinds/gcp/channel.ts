/**
 * Calls to Google over gRPC: one channel, each call with its own credential. Rule: a call ends with the caller who
 * waits for it, is tried twice at most, and a write only once if it may have been done; and it fails with a
 * ProviderFault.
 */
import type { grpc } from 'google-gax'
import { ProviderFault } from '../../core/fault.ts'
import type { CallOptions } from '../provider.ts'
import { isWorthRetrying, retryOnce } from '../shared/fault-of.ts'
import type { Login } from '../shared/login.ts'
import type { Mark, ProxyAddress } from '../shared/proxy.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import { type DetailsOf, faultOf, isStale } from './answer.ts'
import type { Identity } from './auth.ts'
import type { Answers } from './record.ts'

/** What a request is about goes into a header too, for Google to route by. */
type Request =
  | { readonly name: string }
  | { readonly resource: string; readonly permissions: readonly string[] }
  | {
      readonly parent: string
      readonly pageSize: number
      readonly pageToken?: string
      readonly filter?: string
    }
  | {
      readonly parent: string
      readonly payload: { readonly data: Uint8Array; readonly dataCrc32c: number }
    }

const routedBy = (request: Request): Readonly<Record<string, string>> => {
  if ('name' in request) return { name: request.name }
  return 'resource' in request ? { resource: request.resource } : { parent: request.parent }
}

type Stub = {
  readonly [M in keyof Answers]: (
    request: Request,
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    callback: grpc.requestCallback<Answers[M]>
  ) => grpc.ClientUnaryCall
} & { readonly close: () => void }

export interface GrpcChannel {
  readonly call: <M extends keyof Answers>(
    method: M,
    request: Request,
    options: CallOptions
  ) => Promise<Answers[M]>
  /** Ends the connection, and whatever is still under way on it. */
  readonly close: () => void
}

export interface Place {
  readonly host: string
  readonly port: number
  /** PEM of the authorities to trust instead of the public ones; `plaintext` for no TLS at all. */
  readonly trust: Buffer | 'public' | 'plaintext'
  /** Through which it is reached. */
  readonly proxy?: ProxyAddress | undefined
  /** Shown each call, as requests by HTTP are. */
  readonly mark?: Mark | undefined
}

const OPTIONS = {
  // What the environment says of proxies counts where the settings say so, and then it is said here.
  'grpc.enable_http_proxy': 0,
  'grpc.primary_user_agent': USER_AGENT,
  // Retries are ours: the library's would wait out a throttle, in a caller's time, where the breaker should hear of it.
  'grpc.enable_retries': 0,
  // No look-up of TXT records beside the address.
  'grpc.service_config_disable_resolution': 1,
  // Connections of its own, which end when the store is closed.
  'grpc.use_local_subchannel_pool': 1,
  // An answer holds 64 KiB at most. Unlimited, as gax has it, any HTML would be waited for as a message of a gigabyte.
  'grpc.max_receive_message_length': 1_048_576,
  // By default a peer that is back may go unnoticed for two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  // HTTP/2 has one connection, which may die in silence: asked after, it does not cost every read its deadline.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 1_000
}

/** A net below the caller's signal, which comes sooner. */
const CALL_DEADLINE_MS = 10_000

/** The client with our connection, for calls that each bring a credential of their own: it is to look for none. */
const createStub = async (
  { SecretManagerServiceClient }: typeof import('@google-cloud/secret-manager'),
  { GoogleAuth, googleAuthLibrary, grpc }: typeof import('google-gax'),
  { host, port, trust, proxy }: Place
): Promise<Stub> => {
  const client = new SecretManagerServiceClient({
    ...OPTIONS,
    ...(proxy !== undefined && {
      'grpc.http_connect_target': `dns:${host}:${port}`,
      'grpc.default_authority': `${host}:${port}`,
      ...(proxy.authorization !== undefined && {
        'grpc.http_connect_creds': Buffer.from(
          proxy.authorization.slice('Basic '.length),
          'base64'
        ).toString()
      })
    }),
    apiEndpoint: proxy?.host ?? host,
    port: proxy?.port ?? port,
    sslCreds:
      trust === 'plaintext'
        ? grpc.credentials.createInsecure()
        : grpc.credentials.createSsl(trust === 'public' ? null : trust),
    auth: new GoogleAuth({ authClient: new googleAuthLibrary.PassThroughClient() })
  })
  // The client's own methods cannot be cancelled, and print what they answer where GOOGLE_SDK_NODE_LOGGING says so.
  return (await client.initialize()) as unknown as Stub
}

/** Connects at the first call. Without an authority the calls carry no credential. */
export const openChannel = async (
  place: Place,
  authority: Login<Identity> | undefined
): Promise<GrpcChannel> => {
  const gax = await import('google-gax')
  const stub = await createStub(await import('@google-cloud/secret-manager'), gax, place)
  // It adds what it decodes to the error that it is given.
  const detailsOf = gax.GoogleError.parseGRPCStatusDetails as unknown as DetailsOf
  const calls = new Set<grpc.ClientUnaryCall>()
  let isClosed = false

  const send = async <M extends keyof Answers>(
    method: M,
    request: Request,
    { signal }: CallOptions,
    credential?: ReadonlyMap<string, string>
  ): Promise<Answers[M]> => {
    if (signal.aborted) throw new ProviderFault('timeout')
    if (isClosed) throw new ProviderFault('unavailable', { code: 'closed' })
    const metadata = new gax.grpc.Metadata()
    metadata.set('x-goog-request-params', gax.routingHeader.fromParams(routedBy(request)))
    for (const [name, value] of credential ?? []) metadata.set(name, value)
    const setHeader = (name: string, value: string) => metadata.set(name, value)
    place.mark?.({ headersSent: false, setHeader })

    return new Promise((resolve, reject) => {
      let head: grpc.Metadata | undefined
      const options = { deadline: Date.now() + CALL_DEADLINE_MS }
      const call = stub[method](request, metadata, options, (error, answer) => {
        signal.removeEventListener('abort', cancel)
        calls.delete(call)
        if (error === null) resolve(answer as Answers[M])
        else reject(faultOf(error, head, detailsOf))
      })
      const cancel = () => call.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      calls.add(call)
      call.on('metadata', (headers) => {
        head = headers
      })
    })
  }

  return {
    call: (method, request, options) => {
      // A write that was answered by no word of Google's may have been done, and done again it would be another
      // version.
      const isWorthAnother = (fault: ProviderFault): boolean =>
        method !== 'addSecretVersion' && isWorthRetrying(fault)
      return authority === undefined
        ? retryOnce(
            options,
            () => send(method, request, options),
            async (fault) => isStale(fault) || isWorthAnother(fault)
          )
        : authority.use(
            options,
            ({ headers }) => send(method, request, options, headers.reveal()),
            { isDisowned: isStale, isWorthAnother }
          )
    },
    close: () => {
      isClosed = true
      for (const call of calls) call.cancel()
      stub.close()
    }
  }
}
