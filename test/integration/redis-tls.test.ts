/** Redis over TLS: the server is verified, always. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parseRedisUrl } from '../../src/state/redis-url.ts'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import { openShared } from '../support/open-shared.ts'
import { createConfigured, runPurser } from '../support/purser-process.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { closedPort } from '../support/wire.ts'

test('a Redis is talked to over TLS if its certificate is trusted, and not at all otherwise', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { key, cert } = createCertificate('127.0.0.1')
  const folder = createDirectory(t)
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const port = await closedPort()
  await startRedis(t, {
    port,
    args: [
      ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile]
    ],
    cliArgs: ['--tls', '--cacert', certFile]
  })
  const url = `rediss://127.0.0.1:${port}`
  const { shared, logs } = openShared(t, parseRedisUrl(url))
  await eventually(() => logs.length > 0)
  t.match(logs, [/"code":"DEPTH_ZERO_SELF_SIGNED_CERT"/])
  t.equal(shared.isUp(), false)

  const configured = createConfigured(t, { variables: { REDIS_URL: url } })
  const put = (env: Record<string, string>) =>
    runPurser(t, configured.folder, ['store', 'put', 'local:team/db'], { input: 'x', env })
  t.match(await put({}), { code: 1, stdout: '', stderr: /does not answer \(DEPTH_ZERO/ })
  t.match(await put({ NODE_EXTRA_CA_CERTS: certFile }), {
    code: 0,
    stdout: 'local:team/db?version=1\n'
  })
})
