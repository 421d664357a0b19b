/**
 * Whoever answers a login in the place of a token endpoint or a metadata service, and never stops: the login fails, and
 * its connection ends long before memory does.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { awsSecretsManager } from '../../src/kinds/aws/index.ts'
import { createAuthority } from '../../src/kinds/gcp/auth.ts'
import { openProxy } from '../support/connect-proxy.ts'
import { createDirectory } from '../support/embedded.ts'
import { endless } from '../support/endless.ts'
import { setVariables } from '../support/otlp-collector.ts'
import { createDeps } from '../support/provider-deps.ts'
import { closedPort, listen } from '../support/wire.ts'

/** Some of it stands in the buffers of sockets. */
const MOST = 64 * 1024 * 1024
const PATIENCE = { timeout: 120_000 }

type Login = (t: Test, url: string) => Promise<() => Promise<unknown>>

const aws =
  (variables: (url: string, folder: string) => Record<string, string>): Login =>
  async (t, url) => {
    const folder = createDirectory(t)
    writeFileSync(join(folder, 'token'), 'a.b.c')
    setVariables(t, {
      HOME: folder,
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
      AWS_CONFIG_FILE: join(folder, 'none'),
      ...variables(url, folder)
    })
    const endpoint = `http://127.0.0.1:${await closedPort()}`
    const settings = { region: 'eu-west-1', endpoint }
    const provider = await awsSecretsManager.connect(settings, createDeps())
    t.teardown(() => provider.close())
    return () => provider.read({ path: 'a' }, { signal: AbortSignal.timeout(60_000) })
  }

const google =
  (variables: (url: string, folder: string) => Record<string, string>): Login =>
  async (t, url) => {
    const folder = createDirectory(t)
    setVariables(t, { HOME: folder, ...variables(url, folder) })
    const authority = await createAuthority({ method: 'default' }, 'p', createDeps())
    t.teardown(() => authority.close())
    return () => authority.get()
  }

const federation = (url: string, folder: string): object => {
  writeFileSync(join(folder, 'token'), 'a.b.c')
  return {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/b/c',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${url}/v1/token`,
    credential_source: { file: join(folder, 'token') }
  }
}

const adc = (folder: string, content: object): Record<string, string> => {
  const file = join(folder, 'credentials.json')
  writeFileSync(file, JSON.stringify(content))
  return { GOOGLE_APPLICATION_CREDENTIALS: file }
}

const LOGINS: Readonly<Record<string, Login>> = {
  'AWS, the container service': aws((url) => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials`
  })),
  'AWS, the metadata service of the instance': aws((url) => ({
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url
  })),
  'AWS, STS with a web identity': aws((url, folder) => ({
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/a',
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
    AWS_ENDPOINT_URL_STS: url
  })),
  'Google, the metadata server': google((url) => ({
    METADATA_SERVER_DETECTION: 'assume-present',
    GCE_METADATA_HOST: new URL(url).host
  })),
  'Google, the token endpoint of a federation': google((url, folder) =>
    adc(folder, federation(url, folder))
  ),
  'Google, the source of an impersonation': google((url, folder) =>
    adc(folder, {
      type: 'impersonated_service_account',
      service_account_impersonation_url: `${url}/v1/projects/-/serviceAccounts/a@b:generateAccessToken`,
      source_credentials: federation(url, folder)
    })
  ),
  'Google, a user of a workforce': google((url, folder) =>
    adc(folder, {
      type: 'external_account_authorized_user',
      client_id: 'a',
      client_secret: 'b',
      refresh_token: 'c',
      token_url: `${url}/v1/token`
    })
  )
}

for (const [name, prepare] of Object.entries(LOGINS)) {
  test(`an answer without an end is cut off: ${name}`, PATIENCE, async (t) => {
    const { server, sent, isCutOff } = endless('{"a":"')
    const port = await listen(t, server)
    const logIn = await prepare(t, `http://127.0.0.1:${port}`)
    await t.rejects(logIn(), { name: 'ProviderFault' })
    await isCutOff
    t.ok(sent() > 0)
    t.ok(sent() < MOST, `${sent()} bytes`)
  })
}

/** Packed it is within every bound, and unpacked beyond what a login could want. */
const UNPACKED = 200 * 1024 * 1024
const PACKED = gzipSync(Buffer.alloc(UNPACKED, ' '))

for (const [name, prepare] of Object.entries(LOGINS)) {
  test(
    `an answer that is enormous once it is unpacked stays packed: ${name}`,
    PATIENCE,
    async (t) => {
      const server = createServer((request, response) => {
        request.resume()
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'metadata-flavor': 'Google'
        })
        response.end(PACKED)
      })
      const logIn = await prepare(t, `http://127.0.0.1:${await listen(t, server)}`)
      let most = 0
      const before = process.memoryUsage.rss()
      const timer = setInterval(() => {
        most = Math.max(most, process.memoryUsage.rss() - before)
      }, 5)
      t.teardown(() => clearInterval(timer))
      await t.rejects(logIn(), { name: 'ProviderFault' })
      most = Math.max(most, process.memoryUsage.rss() - before)
      t.ok(most < UNPACKED, `${most} bytes`)
    }
  )
}

for (const [name, prepare] of Object.entries(LOGINS)) {
  test(`no proxy of the environment is asked: ${name}`, PATIENCE, async (t) => {
    let asked = 0
    const server = createServer((request, response) => {
      asked += 1
      request.resume()
      response.writeHead(403).end()
    })
    const proxy = await openProxy(t, () => undefined)
    const { address } = proxy
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy']
    setVariables(t, Object.fromEntries(names.map((variable) => [variable, address])))
    const logIn = await prepare(t, `http://127.0.0.1:${await listen(t, server)}`)
    await t.rejects(logIn(), { name: 'ProviderFault' })
    t.ok(asked > 0)
    t.strictSame(proxy.asked, [])
  })
}
