/** The way to Google's metadata server, which hands out the token of a machine: straight, whatever proxies there are. */
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { test } from 'tap'
import { createAuthority } from '../../../src/kinds/gcp/auth.ts'
import { createRoute } from '../../../src/kinds/shared/proxy.ts'
import { createCertificate } from '../../support/certificate.ts'
import { openProxy } from '../../support/connect-proxy.ts'
import { setVariables } from '../../support/otlp-collector.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { listen } from '../../support/wire.ts'
import { useEnvironment } from './fake.ts'

test('the metadata server is asked through no proxy, of the store or of the environment', async (t) => {
  const token = JSON.stringify({ access_token: 'of-the-machine', expires_in: 3600 })
  const metadata = createServer((_request, response) => {
    response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' })
    response.end(token)
  })
  const port = await listen(t, metadata)
  const { address, asked } = await openProxy(t, () => port)
  useEnvironment(t, {
    METADATA_SERVER_DETECTION: 'assume-present',
    GCE_METADATA_HOST: `127.0.0.1:${port}`,
    HTTP_PROXY: address,
    HTTPS_PROXY: address
  })
  for (const setting of [undefined, 'environment', address]) {
    const route = createRoute(setting, (name) => process.env[name])
    const authority = await createAuthority({ method: 'default' }, 'p', createDeps({}, { route }))
    const { headers } = await authority.get()
    t.equal(headers.reveal().get('authorization'), 'Bearer of-the-machine')
    authority.close()
  }
  t.strictSame(asked, [])
})

const TOKEN_URL = 'http://sts.example.test/v1/token'

const federation = (folder: string) => ({
  type: 'external_account',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: TOKEN_URL,
  credential_source: { file: join(folder, 'subject-token') }
})

const CREDENTIALS: Readonly<Record<string, (folder: string) => object>> = {
  'a federation': federation,
  'a federation that impersonates': (folder) => ({
    ...federation(folder),
    service_account_impersonation_url:
      'http://iam.example.test/v1/projects/-/serviceAccounts/a@b:generateAccessToken'
  }),
  'a user of a workforce': () => ({
    type: 'external_account_authorized_user',
    client_id: 'a',
    client_secret: 'b',
    refresh_token: 'c',
    token_url: TOKEN_URL
  })
}

for (const [name, credentials] of Object.entries(CREDENTIALS)) {
  test(`the proxy of the store leads to its login, and that of the environment nowhere: ${name}`, async (t) => {
    const answer = JSON.stringify({
      access_token: 'exchanged',
      accessToken: 'exchanged',
      expires_in: 3600,
      expireTime: '2100-01-01T00:00:00Z'
    })
    const encodings: unknown[] = []
    const server = createServer((request, response) => {
      encodings.push(request.headers['accept-encoding'])
      request.resume()
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
    })
    const port = await listen(t, server)
    const own = await openProxy(t, () => port)
    const other = await openProxy(t, () => port)
    const folder = t.testdir({ 'subject-token': 'a token of another issuer' })
    const file = join(folder, 'credentials.json')
    writeFileSync(file, JSON.stringify(credentials(folder)))
    useEnvironment(t, {
      GOOGLE_APPLICATION_CREDENTIALS: file,
      HTTP_PROXY: other.address,
      HTTPS_PROXY: other.address
    })
    const route = createRoute(own.address, (variable) => process.env[variable])
    const authority = await createAuthority({ method: 'default' }, 'p', createDeps({}, { route }))
    t.teardown(() => authority.close())
    const { headers } = await authority.get()
    t.equal(headers.reveal().get('authorization'), 'Bearer exchanged')
    t.ok(own.asked.includes('CONNECT sts.example.test:80'))
    t.equal(own.asked.length, name.includes('impersonates') ? 2 : 1)
    t.strictSame(other.asked, [])
    t.notOk(encodings.some((encoding) => encoding !== undefined && encoding !== 'identity'))
  })
}

test('a federation by certificate shows it through the proxy of the store, and tells an untrusted peer nothing', async (t) => {
  const client = createCertificate('client.example.test')
  const peer = createCertificate('sts.example.test')
  const shown: string[] = []
  let told = ''
  const onConnection = (socket: TLSSocket) => {
    shown.push(socket.getPeerX509Certificate()?.fingerprint256 ?? 'none')
    socket.on('data', (chunk) => {
      told += chunk
    })
    socket.on('error', () => {})
  }
  // In TLS 1.3 the client would leave before it was heard.
  const server = createTlsServer(
    { ...peer, requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
    onConnection
  )
  server.on('tlsClientError', () => {})
  const port = await listen(t, server as unknown as Server)
  const own = await openProxy(t, () => port)
  const other = await openProxy(t, () => port)
  const folder = t.testdir({ 'client.pem': client.cert, 'client-key.pem': client.key })
  const workload = {
    cert_path: join(folder, 'client.pem'),
    key_path: join(folder, 'client-key.pem')
  }
  const certificates = join(folder, 'certificates.json')
  writeFileSync(certificates, JSON.stringify({ cert_configs: { workload } }))
  const file = join(folder, 'credentials.json')
  const content = {
    ...federation(folder),
    subject_token_type: 'urn:ietf:params:oauth:token-type:mtls',
    token_url: 'https://sts.example.test/v1/token',
    credential_source: { certificate: { certificate_config_location: certificates } }
  }
  writeFileSync(file, JSON.stringify(content))
  useEnvironment(t, { GOOGLE_APPLICATION_CREDENTIALS: file, HTTPS_PROXY: other.address })
  setVariables(t, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
  const route = createRoute(own.address, (variable) => process.env[variable])
  const authority = await createAuthority({ method: 'default' }, 'p', createDeps({}, { route }))
  t.teardown(() => authority.close())
  await t.rejects(authority.get(), { name: 'ProviderFault' })
  t.equal(own.asked[0], 'CONNECT sts.example.test:443')
  t.strictSame(other.asked, [])
  t.equal(shown[0], new X509Certificate(client.cert).fingerprint256)
  t.equal(told, '')
})
