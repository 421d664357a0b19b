/** Trusts as doctor sees them: issuers and an API server over TLS, in good order and in none. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createCanary } from '../../support/canary.ts'
import { createCertificate } from '../../support/certificate.ts'
import { examineBad, notOk, sentences } from '../../support/doctor.ts'
import { closedPort, listen } from '../../support/wire.ts'

const jwkOf = (more: object = {}) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid: 'one',
  use: 'sig',
  ...more
})
const HERE = createCertificate('127.0.0.1')

const sendJson = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

interface Says {
  readonly metadata?: object
  readonly keys?: readonly object[]
  readonly review?: readonly [status: number, body: unknown]
  /** Instead of all that. */
  readonly answer?: RequestListener
}

interface Asked {
  readonly url: string
  readonly authorization: string | undefined
  readonly body: string
}

const serve = async (t: Test, { metadata, keys = [jwkOf()], review, answer }: Says = {}) => {
  const asked: Asked[] = []
  const answers = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const piece of request) body += piece
    const { url = '', headers } = request
    asked.push({ url, authorization: headers.authorization, body })
    if (answer !== undefined) return answer(request, response)
    const issuer = `https://${headers.host}`
    if (url.endsWith('/tokenreviews')) {
      const [status, said] = review ?? [201, { status: { user: {}, error: 'no token' } }]
      return sendJson(response, said, status)
    }
    const isMetadata = url.endsWith('/openid-configuration')
    sendJson(response, isMetadata ? { issuer, jwks_uri: `${issuer}/keys`, ...metadata } : { keys })
  }
  const server = createServer(HERE, (request, response) => void answers(request, response))
  return { address: `https://127.0.0.1:${await listen(t, server)}`, asked }
}

const own = createCanary()

const yamlOf = (address: string, ca: string, token: string, more: string) => `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${address}
    audience: purser
    caFile: ${ca}
    tokenFile: ${token}
    bind: { namespace: shop, serviceAccount: cart }
    check: tokenReview
    apiServer: { url: "${address}", caFile: ${ca}, tokenFile: ${token} }
    grant: { client: shop, scopes: ["aura-services:secrets"] }
    ${more}
`

const examineTrust = (t: Test, address: string, more = '', { cert } = HERE) =>
  examineBad(t, {
    now: Date.now(),
    prepare: (folder) => {
      const [ca, token] = [join(folder, 'ca.pem'), join(folder, 'own')]
      writeFileSync(ca, cert)
      writeFileSync(token, own.token, { mode: 0o600 })
      writeFileSync(join(folder, 'purser.yaml'), yamlOf(address, ca, token, more))
    }
  })

/** Of trusts alone: that the certificate of the test ends tomorrow is told too. */
const found = (examined: Awaited<ReturnType<typeof examineBad>>) =>
  notOk(examined).filter((one) => one.startsWith('trusts-'))

test('a trust in good order passes, and the API server is shown no token of anybody', async (t) => {
  const { address, asked } = await serve(t)
  const examined = await examineTrust(t, address)
  t.strictSame(
    notOk(examined),
    ['stores-trusted warn', 'certificates-end warn'],
    sentences(examined)
  )
  t.match(sentences(examined), /caFile of the trust prod-cluster: a certificate ends in/)
  t.strictSame(
    new Set(asked.map(({ url }) => url)),
    new Set([
      '/.well-known/openid-configuration',
      '/keys',
      '/apis/authentication.k8s.io/v1/tokenreviews'
    ])
  )
  const [review] = asked.filter(({ body }) => body !== '')
  t.match(JSON.parse(review?.body ?? ''), { spec: { token: 'of-nobody', audiences: ['purser'] } })
})

test('an issuer that is away, and an API server that is: both are told, with what goes on until then', async (t) => {
  const examined = await examineTrust(t, `https://127.0.0.1:${await closedPort()}`)
  t.strictSame(found(examined), ['trusts-keys fail', 'trusts-review fail'])
  t.match(
    sentences(examined),
    /the trust prod-cluster: its issuer does not answer: .* \(ECONNREFUSED\); a service that runs goes on with the keys/
  )
  t.match(sentences(examined), /its API server does not answer: .*; until then nobody logs in/)
})

test('an issuer that hangs: trusts-keys fail, within its deadline', async (t) => {
  const { address } = await serve(t, { answer: () => {} })
  const examined = await examineTrust(t, address)
  t.match(sentences(examined), /its issuer does not answer in time/)
})

test('an issuer under another certificate: trusts-keys fail', async (t) => {
  const { address, asked } = await serve(t)
  const examined = await examineTrust(t, address, '', createCertificate('127.0.0.1'))
  t.strictSame(found(examined), ['trusts-keys fail', 'trusts-review fail'])
  t.match(sentences(examined), /cannot be verified .* compare its caFile.*SELF_SIGNED_CERT/)
  t.strictSame(asked, [], 'and it is shown nothing')
})

const WRONG: readonly (readonly [string, Says, string, RegExp])[] = [
  [
    'metadata of another issuer',
    { metadata: { issuer: 'https://other.example' } },
    'trusts-keys fail',
    /has metadata that name another issuer: write `issuer` as they do/
  ],
  [
    'keys on another host',
    { metadata: { jwks_uri: 'https://other.example/keys' } },
    'trusts-keys fail',
    /has its keys on another host: write that address as `jwks: \{ url \}`/
  ],
  [
    'keys of another algorithm',
    { keys: [jwkOf({ alg: 'ES384' }), { ...jwkOf(), kid: 'two', alg: 'ES384' }] },
    'trusts-keys fail',
    /of 2 keys of its issuer none is for ES256: set `algorithms`/
  ],
  ['no keys', { keys: [] }, 'trusts-keys fail', /of 0 keys of its issuer none is for ES256/],
  [
    'an API server that does not know Purser',
    { review: [401, { message: own.token }] },
    'trusts-review fail',
    /its API server does not take its question: renew `apiServer.tokenFile`.*\(401\)/
  ],
  [
    'an API server that does not let Purser ask',
    { review: [403, { message: own.token }] },
    'trusts-review fail',
    /bind that account to the ClusterRole system:auth-delegator \(403\)/
  ]
]

for (const [what, says, status, expected] of WRONG) {
  test(`${what}: ${status}, and nothing that was said`, async (t) => {
    const { address } = await serve(t, says)
    const examined = await examineTrust(t, address, 'algorithms: [ES256]')
    t.strictSame(found(examined), [status], sentences(examined))
    t.match(sentences(examined), expected)
    t.strictSame(own.findIn(sentences(examined)), [])
  })
}

test('an issuer that lets nobody ask without a token: trusts-keys fail', async (t) => {
  const { address } = await serve(t, {
    answer: (_request, response) => sendJson(response, { message: own.token }, 403)
  })
  const examined = await examineTrust(t, address)
  t.match(sentences(examined), /does not let Purser ask for its keys: give it `tokenFile` \(403\)/)
  t.strictSame(own.findIn(sentences(examined)), [])
})
