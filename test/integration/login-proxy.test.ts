/** Issuers and API servers behind an outgoing proxy, over real TLS: by the same means as stores, and by none that is not asked for. */
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { canaryOf } from '../support/canary.ts'
import { createCertificate } from '../support/certificate.ts'
import { openProxy, PROXY_PASSWORD } from '../support/connect-proxy.ts'
import { createDirectory } from '../support/embedded.ts'
import { asAdmin } from '../support/keys.ts'
import { listen } from '../support/wire.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const HOST = 'oidc.example'
const ISSUER = `https://${HOST}`

/** An issuer that is an API server as well, at a name that only the proxy can resolve. */
const setUp = async (
  t: Test,
  proxyOf: (address: string) => string | undefined,
  environOf: (address: string) => Record<string, string> = () => ({})
) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const { key, cert } = createCertificate(HOST)
  const review = {
    authenticated: true,
    audiences: ['purser'],
    user: {
      username: 'system:serviceaccount:shop:cart',
      uid: '7c9e6679-7425-40de-944b-e07fc1f90ae7'
    }
  }
  const answer = async ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const isReview = url.endsWith('/tokenreviews')
    const of = isReview ? { status: review } : await (await issuer.fetch(ISSUER + url)).json()
    response.setHeader('content-type', 'application/json').end(JSON.stringify(of))
  }
  const port = await listen(
    t,
    createServer({ key, cert }, (request, response) => void answer(request, response))
  )
  const proxy = await openProxy(t, () => port)
  const folder = createDirectory(t)
  const [ca, own] = [join(folder, 'ca.crt'), join(folder, 'token')]
  writeFileSync(ca, cert)
  writeFileSync(own, 'own')
  const setting = proxyOf(proxy.address)
  const built = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    caFile: ${ca}
    ${setting === undefined ? '' : `proxy: ${JSON.stringify(setting)}`}
    bind: { namespace: shop, serviceAccount: cart }
    check: tokenReview
    apiServer: { url: "${ISSUER}", tokenFile: ${own}, caFile: ${ca} }
    grant: { client: shop, scopes: ["aura-services:secrets"] }
`,
    environ: environOf(proxy.address)
  })
  const logIn = async () =>
    built.app.server.inject({
      method: 'POST',
      url: '/v1/auth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: await issuer.sign(accountClaims(ISSUER, Date.now()))
      }).toString()
    })
  return { built, proxy, logIn }
}

test('keys and TokenReview go through the proxy of the trust, by CONNECT alone', async (t) => {
  const { built, proxy, logIn } = await setUp(t, (address) => address)
  const answer = await logIn()
  t.equal(answer.statusCode, 200, answer.body)
  t.strictSame(proxy.asked, Array(3).fill(`CONNECT ${HOST}:443`), 'metadata, keys, review')
  const admin = await built.as('admin', 'r', asAdmin)
  const shown = (await admin.ask('GET', '/v1/admin/config')).json().trusts
  t.match(shown, [{ name: 'prod-cluster', proxy: /^http:\/\/127\.0\.0\.1:\d+$/ }])
  const said = built.logs.join('\n') + JSON.stringify(shown)
  t.strictSame(canaryOf(PROXY_PASSWORD).findIn(said), [])
})

test('`environment` takes HTTPS_PROXY, but for what NO_PROXY exempts', async (t) => {
  const asked = await setUp(
    t,
    () => 'environment',
    (address) => ({ HTTPS_PROXY: address })
  )
  t.equal((await asked.logIn()).statusCode, 200)
  t.equal(asked.proxy.asked.length, 3)
  const exempt = await setUp(
    t,
    () => 'environment',
    (address) => ({ HTTPS_PROXY: address, NO_PROXY: '.example' })
  )
  t.equal((await exempt.logIn()).statusCode, 503)
  t.strictSame(exempt.proxy.asked, [])
})

test('without `proxy` there is none, whatever the environment says', async (t) => {
  const { proxy, logIn } = await setUp(
    t,
    () => undefined,
    (address) => ({ HTTPS_PROXY: address })
  )
  t.equal((await logIn()).statusCode, 503)
  t.strictSame(proxy.asked, [])
})
