/**
 * The provider of sign-ins, by OpenID Connect: authorization code with PKCE, state, nonce and `iss` (RFC 9207). Rule: it is
 * asked when somebody signs in, and not before; who comes back is believed by an ID token for us, signed by the keys of
 * exactly the configured issuer.
 */
import type * as Client from 'openid-client'
import { ProviderFault } from '../core/fault.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import type { Sensitive } from '../core/secret.ts'
import { hasOneMeaning } from '../crypto/compact.ts'
import type { Account } from './administrators.ts'
import { createBoundedFetch } from './oidc-fetch.ts'

export interface OidcSettings {
  /** Exactly as its metadata and its tokens say it. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Sensitive<string>
  readonly redirectUri: string
  /** The `hd` that Google's tokens have to say. */
  readonly hostedDomain?: string | undefined
}

/** What is bound to one sign-in of one browser. */
export interface SignInSecrets {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface Identity extends Account {
  readonly hostedDomain: string | undefined
  /** When the person signed in at the provider, as far as it says so; seconds since the epoch. */
  readonly authenticatedAt: number | undefined
}

/** Asks for a fresh sign-in, of whoever has the address. */
export interface AskedAgain {
  readonly email: string | undefined
}

export interface OidcProvider {
  /** Where the browser goes, or why the provider cannot be asked. */
  readonly begin: (
    secrets: SignInSecrets,
    again: AskedAgain | undefined
  ) => Promise<string | ProblemError>
  /** Who came back. `search`: the query as it came. */
  readonly finish: (search: string, secrets: SignInSecrets) => Promise<Identity | ProblemError>
}

/** Failures of the provider, rather than of what came back from it. */
const UNREADABLE: ReadonlySet<string> = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_HTTP_REQUEST_FORBIDDEN'
])

const refused = (reason: Reason): ProblemError => new ProblemError('access_denied', {}, reason)

const faultIn = (error: unknown): ProviderFault | undefined => {
  for (let one = error, n = 0; one instanceof Error && n < 5; one = one.cause, n++) {
    if (one instanceof ProviderFault) return one
  }
  return undefined
}

const failed = ({ reason }: ProviderFault): ProblemError =>
  new ProblemError(
    reason === 'timeout' || reason === 'unavailable'
      ? 'sign_in_unavailable'
      : 'sign_in_invalid_answer'
  )

const toProblem = (library: typeof Client, error: unknown): ProblemError => {
  const fault = faultIn(error)
  if (fault !== undefined) return failed(fault)
  if (error instanceof library.AuthorizationResponseError) return refused('provider_refused')
  if (error instanceof library.ResponseBodyError) return refused('code_refused')
  const { code } = error as { code?: unknown }
  const isUnreadable = typeof code === 'string' && UNREADABLE.has(code)
  const isOfLibrary = error instanceof library.ClientError
  if (isUnreadable || !isOfLibrary) return failed(new ProviderFault('invalid_answer'))
  return refused('no_id_token')
}

/** By what the provider says that it takes; RFC 6749 has every one take the former. */
const authenticating =
  (library: typeof Client, secret: string): Client.ClientAuth =>
  (server, client, body, headers) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server
    const method = methods.includes('client_secret_basic')
      ? library.ClientSecretBasic
      : library.ClientSecretPost
    return method(secret)(server, client, body, headers)
  }

const discover = async (
  library: typeof Client,
  { issuer, clientId, clientSecret }: OidcSettings,
  send: typeof globalThis.fetch
): Promise<Client.Configuration> => {
  const configuration = await library.discovery(
    new URL(issuer),
    clientId,
    {},
    authenticating(library, clientSecret.reveal()),
    {
      [library.customFetch]: createBoundedFetch(send),
      // The settings allow it for an issuer of this machine alone, in dev.
      execute: issuer.startsWith('http:') ? [library.allowInsecureRequests] : []
    }
  )
  // The library has exceptions for issuers that are not the one that was asked.
  if (configuration.serverMetadata().issuer !== issuer) throw new ProviderFault('invalid_answer')
  // Signatures are looked at although the token comes over TLS.
  library.enableNonRepudiationChecks(configuration)
  return configuration
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** OpenID Connect Core, 2: at most 255 characters of ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/

/** By the ID token, or where that has no e-mail by what the provider tells of the same subject. */
const identityIn = async (
  library: typeof Client,
  configuration: Client.Configuration,
  tokens: Client.TokenEndpointResponse & Client.TokenEndpointResponseHelpers
): Promise<Identity> => {
  const claims = tokens.claims()
  const isRead = tokens.id_token !== undefined && hasOneMeaning(tokens.id_token)
  if (!isRead || claims === undefined || !SUBJECT.test(claims.sub)) throw refused('no_id_token')
  const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined
  const told =
    claims['email'] === undefined && hasMore
      ? await library.fetchUserInfo(configuration, tokens.access_token, claims.sub)
      : claims
  const { auth_time: authenticatedAt } = claims
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: told['email_verified'] === true ? (text(told['email']) ?? '') : undefined,
    hostedDomain: text(claims['hd']),
    authenticatedAt: Number.isInteger(authenticatedAt) ? authenticatedAt : undefined
  }
}

/** Sign-ins that may wait for the provider at once. */
const AT_ONCE = 16
/** For how long its metadata are believed: providers change their addresses rarely, and announce it. */
const METADATA_MS = 3_600_000

export interface OidcProviderOptions {
  readonly settings: OidcSettings
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const createOidcProvider = ({
  settings,
  fetch: send,
  now
}: OidcProviderOptions): OidcProvider => {
  let known:
    | { readonly at: number; readonly configuration: Promise<Client.Configuration> }
    | undefined
  let underWay = 0

  /** One asks for all that come meanwhile; what failed is asked for anew. */
  const configured = (library: typeof Client): Promise<Client.Configuration> => {
    if (known !== undefined && Math.abs(now() - known.at) < METADATA_MS) return known.configuration
    const configuration = discover(library, settings, send)
    const mine = { at: now(), configuration }
    known = mine
    configuration.catch(() => {
      if (known === mine) known = undefined
    })
    return configuration
  }

  const asking = async <T>(
    ask: (library: typeof Client, configuration: Client.Configuration) => Promise<T>
  ): Promise<T | ProblemError> => {
    const library = await import('openid-client')
    if (underWay >= AT_ONCE) return new ProblemError('overloaded')
    underWay++
    try {
      return await ask(library, await configured(library))
    } catch (error) {
      return error instanceof ProblemError ? error : toProblem(library, error)
    } finally {
      underWay--
    }
  }

  return {
    begin: ({ state, nonce, verifier }, again) =>
      asking(async (library, configuration) => {
        const { hostedDomain: hd } = settings
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: settings.redirectUri,
          scope: 'openid email',
          state,
          nonce,
          code_challenge: await library.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          ...(hd !== undefined && { hd }),
          ...(again && { prompt: 'login', max_age: '0' }),
          ...(again?.email && { login_hint: again.email })
        })
        return url.href
      }),

    finish: (search, { state, nonce, verifier }) =>
      asking(async (library, configuration) => {
        const url = new URL(settings.redirectUri)
        url.search = search
        const issuers = url.searchParams.getAll('iss')
        if (issuers.some((one) => one !== settings.issuer)) throw refused('other_issuer')
        const tokens = await library.authorizationCodeGrant(configuration, url, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true
        })
        return identityIn(library, configuration, tokens)
      })
  }
}
