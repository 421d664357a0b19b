/** The way to Google's metadata server, which hands out the token of a machine: straight, whatever proxies there are. */
import { createServer } from 'node:http'
import { test } from 'tap'
import { createAuthority } from '../../../src/kinds/gcp/auth.ts'
import { createRoute } from '../../../src/kinds/shared/proxy.ts'
import { openProxy } from '../../support/connect-proxy.ts'
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
