/**
 * The certified oidc-provider of npm as a real server on loopback, in which one account is always signed in. Rule: it lies
 * only where a test asks for it, and then with its own keys: in ID tokens, or by failing like a peer does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT
} from 'jose'
import type { Test } from 'tap'

export interface Account {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly hd?: string
}

export interface Behaviour {
  /** Who is signed in at the provider. */
  account: Account
  /** What its ID tokens say instead. */
  claims: (claims: JWTPayload) => JWTPayload
  /** Signs ID tokens with a key that it does not publish. */
  signsWrongly: boolean
  /** Answers instead of it. True: it did. */
  answers: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface RealOidcProvider {
  readonly issuer: string
  readonly behaviour: Behaviour
  /** Paths that were asked, in their order. */
  readonly asked: string[]
  /** Follows the provider's pages from there as the browser does, until it is sent back to the service. */
  readonly visit: (url: string) => Promise<URL>
}

export interface OidcClient {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post'
  /** Whether ID tokens have the claims of the scope, and not only userinfo. */
  readonly inIdToken?: boolean
}

interface Provider {
  readonly callback: () => (request: IncomingMessage, response: ServerResponse) => void
  readonly interactionFinished: (
    request: IncomingMessage,
    response: ServerResponse,
    result: object
  ) => Promise<void>
  readonly Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> }
}

const ALG = 'RS256'

/** To make them takes longer than a test. */
const keysOfProvider = Promise.all(
  Array.from({ length: 2 }, () => generateKeyPair(ALG, { extractable: true }))
).then(([one, two]) => {
  if (one === undefined || two === undefined) throw new Error('there are two')
  return { privateKey: one.privateKey, other: two.privateKey }
})

const configurationOf = (
  { clientId, clientSecret, redirectUri, authMethod, inIdToken = true }: OidcClient,
  jwk: object,
  behaviour: Behaviour
) => ({
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: authMethod ?? 'client_secret_basic'
    }
  ],
  clientAuthMethods: [authMethod ?? 'client_secret_basic'],
  jwks: { keys: [jwk] },
  cookies: { keys: ['a key of the provider, of nobody else'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified', 'hd'] },
  conformIdTokenClaims: !inIdToken,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  findAccount: (_: unknown, sub: string) => ({
    accountId: sub,
    claims: async () => ({ ...behaviour.account, sub })
  }),
  interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  loadExistingGrant: async (context: {
    oidc: { provider: Provider; client: { clientId: string }; session: { accountId: string } }
  }) => {
    const { provider, client, session } = context.oidc
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid email')
    await grant.save()
    return grant
  }
})

/** Puts another ID token into the answer of the token endpoint. */
const rewrite = (
  response: ServerResponse,
  behaviour: Behaviour,
  sign: (claims: JWTPayload) => Promise<string>
): void => {
  const end = response.end.bind(response)
  const changed = async (text: string): Promise<string> => {
    const body = JSON.parse(text)
    if (body.id_token === undefined) return text
    body.id_token = await sign(behaviour.claims(decodeJwt(body.id_token)))
    return JSON.stringify(body)
  }
  response.end = ((text: unknown) => {
    void changed(String(text)).then((body) => {
      response.setHeader('content-length', Buffer.byteLength(body))
      end(body)
    })
    return response
  }) as typeof response.end
}

const createVisit =
  (redirectUri: string): RealOidcProvider['visit'] =>
  async (start) => {
    const cookies = new Map<string, string>()
    let url = start
    for (let step = 0; step < 10; step++) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie } })
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`${answer.status} ${await answer.text()}`)
      url = new URL(location, url).href
      if (url.startsWith(redirectUri)) return new URL(url)
    }
    throw new Error('the provider sends nobody back')
  }

/** Ended with the test. */
export const startOidcProvider = async (t: Test, client: OidcClient): Promise<RealOidcProvider> => {
  const { privateKey, other } = await keysOfProvider
  const jwk = { ...(await exportJWK(privateKey)), kid: 'own', alg: ALG, use: 'sig' }
  const behaviour: Behaviour = {
    account: { sub: 'ana', email: 'ana@example.com', email_verified: true },
    claims: (claims) => claims,
    signsWrongly: false,
    answers: () => false
  }
  const asked: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // It says of each start that it is no production.
  console.warn = () => {}
  // It has no types.
  const name: string = 'oidc-provider'
  const { Provider } = (await import(name)) as {
    Provider: new (issuer: string, configuration: object) => Provider
  }
  const provider = new Provider(issuer, configurationOf(client, jwk, behaviour))
  const answer = provider.callback()
  const sign = (claims: JWTPayload): Promise<string> => {
    const key: CryptoKey = behaviour.signsWrongly ? other : privateKey
    return new SignJWT(claims).setProtectedHeader({ alg: ALG, kid: 'own' }).sign(key)
  }
  server.on('request', (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push(path)
    if (behaviour.answers(request, response)) return
    if (path.startsWith('/interaction/')) {
      const { sub: accountId } = behaviour.account
      void provider.interactionFinished(request, response, { login: { accountId } })
      return
    }
    if (path === '/token') rewrite(response, behaviour, sign)
    answer(request, response)
  })
  return { issuer, behaviour, asked, visit: createVisit(client.redirectUri) }
}
