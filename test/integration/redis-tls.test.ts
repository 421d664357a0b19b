/** Redis over TLS: the server is verified, always. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { readRedis } from '../../src/config/redis.ts'
import { parseRedisUrl } from '../../src/state/redis-url.ts'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import { openShared } from '../support/open-shared.ts'
import {
  createConfigured,
  get,
  issueKey,
  readinessOf,
  runOnRedis,
  runPurser,
  serve
} from '../support/purser-process.ts'
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

/** A Redis that asks each client for a certificate, and the settings to reach it with. */
const startMutualTls = async (t: Test, more: readonly string[] = []) => {
  const folder = createDirectory(t)
  const server = createCertificate('127.0.0.1')
  const client = createCertificate('purser')
  const stranger = createCertificate('stranger')
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const [key, cert] = [write('key.pem', server.key), write('cert.pem', server.cert)]
  // One file for both: Redis's tools trust the server by it, and the server the client.
  const ca = write('ca.pem', server.cert + client.cert)
  const files = {
    REDIS_CA_FILE: write('server.pem', server.cert),
    REDIS_CERT_FILE: write('client.pem', client.cert),
    REDIS_KEY_FILE: write('client-key.pem', client.key)
  }
  const port = await closedPort()
  const tls = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca]
  const redis = await startRedis(t, {
    port,
    args: ['--port', '0', '--tls-port', String(port), ...tls, ...more],
    cliArgs: [
      '--tls',
      '--cacert',
      ca,
      '--cert',
      files.REDIS_CERT_FILE,
      '--key',
      files.REDIS_KEY_FILE
    ]
  })
  const place = (url: string, given: Partial<typeof files> = files) =>
    readRedis(
      { REDIS_URL: parseRedisUrl(url), REDIS_KEY_PREFIX: 'purser:', ...NONE, ...given },
      folder
    )!
  return { redis, port, files, place, write, client, stranger, tls, ca }
}

const NONE = { REDIS_CA_FILE: undefined, REDIS_CERT_FILE: undefined, REDIS_KEY_FILE: undefined }

test('a Redis with a private authority that asks for client certificates is reached by three files', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { port, files, place, write, client, stranger } = await startMutualTls(t)
  const url = `rediss://127.0.0.1:${port}`
  const opened = openShared(t, place(url).address)
  await opened.whole()
  await opened.shared.put('k', Buffer.from('x'), 60_000)

  const { REDIS_CA_FILE } = files
  const unknown = openShared(t, place(url, { REDIS_CA_FILE }).address)
  await eventually(() => unknown.logs.length > 0)
  t.equal(unknown.shared.isUp(), false, 'without a client certificate')

  // What is renewed counts from the next connection on.
  write('client.pem', stranger.cert)
  write('client-key.pem', stranger.key)
  const renewed = openShared(t, place(url).address)
  await eventually(() => renewed.logs.length > 0)
  t.equal(renewed.shared.isUp(), false, 'with a certificate that Redis does not trust')
  write('client.pem', client.cert)
  write('client-key.pem', client.key)
  await renewed.whole()

  const configured = createConfigured(t, { variables: { REDIS_URL: url, ...files } })
  const put = await runOnRedis(t, configured.folder, ['store', 'put', 'local:team/db'], {
    input: 'x'
  })
  t.match(put, { code: 0, stderr: '' })
  const { url: origin } = await serve(t, configured.folder)
  await eventually(async () => (await readinessOf(origin)).status === 'ok')
})

test('a cluster is reached by the same files', async (t) => {
  if (await skipWithoutRedis(t)) return
  const bus = String(await closedPort())
  const args = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-port', bus]
  // A node that has met no other does not know its own address.
  args.push('--cluster-announce-ip', '127.0.0.1')
  const { port, place, redis } = await startMutualTls(t, args)
  redis.cli('cluster', 'addslotsrange', '0', '16383')
  const { shared, whole } = openShared(t, place(`rediss+cluster://127.0.0.1:${port}`).address)
  await whole()
  await shared.put('k', Buffer.from('x'), 60_000)
})

test('Sentinel and its master are reached by the same files', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { port, place, tls } = await startMutualTls(t)
  const sentinel = await closedPort()
  await startRedis(t, {
    port: sentinel,
    config: `sentinel monitor main 127.0.0.1 ${port} 1\n`,
    args: [
      '--sentinel',
      '--port',
      '0',
      '--tls-port',
      String(sentinel),
      '--tls-replication',
      'yes',
      ...tls
    ],
    cliArgs: ['--tls', '--cacert', tls[5] ?? '', '--cert', tls[1] ?? '', '--key', tls[3] ?? '']
  })
  const { shared, whole } = openShared(
    t,
    place(`rediss+sentinel://127.0.0.1:${sentinel}/main`).address
  )
  await whole()
  await shared.put('k', Buffer.from('x'), 60_000)
})

test('files that cannot be used are faults of their settings, all before anything starts', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { place, write, stranger, files } = await startMutualTls(t)
  const url = 'rediss://127.0.0.1:1'
  for (const [given, fault] of [
    [{ REDIS_CA_FILE: '/does/not/exist' }, 'REDIS_CA_FILE: the file is not there'],
    [{ REDIS_CA_FILE: write('empty.pem', '') }, 'REDIS_CA_FILE: holds no certificate (PEM)'],
    [
      { ...files, REDIS_CERT_FILE: files.REDIS_KEY_FILE },
      'REDIS_CERT_FILE: holds no certificate (PEM)'
    ],
    [
      { ...files, REDIS_KEY_FILE: write('other.pem', stranger.key) },
      'REDIS_KEY_FILE: is no private key (PEM) of REDIS_CERT_FILE'
    ]
  ] as const) {
    t.throws(() => place(url, given), { message: fault }, fault)
  }
  for (const [variables, fault] of [
    [
      { REDIS_URL: url, REDIS_CERT_FILE: files.REDIS_CERT_FILE },
      /REDIS_KEY_FILE: REDIS_CERT_FILE and/
    ],
    [
      { REDIS_URL: 'redis://127.0.0.1:1', REDIS_CA_FILE: files.REDIS_CA_FILE },
      /REDIS_CA_FILE: needs a REDIS_URL with TLS/
    ],
    [{ REDIS_CA_FILE: files.REDIS_CA_FILE }, /REDIS_CA_FILE: needs a REDIS_URL with TLS/]
  ] as const) {
    const { folder } = createConfigured(t, { variables })
    t.match(await runOnRedis(t, folder, ['config', 'check']), { code: 1, stderr: fault })
  }
})

test('a Redis is reached by its socket', async (t) => {
  if (await skipWithoutRedis(t)) return
  const socket = join(createDirectory(t), 'a b.sock')
  const redis = await startRedis(t, { args: ['--unixsocket', socket] })
  const url = `unix://${socket.replace(' ', '%20')}?db=3`
  const { folder } = createConfigured(t, { variables: { REDIS_URL: url } })
  const put = await runOnRedis(t, folder, ['store', 'put', 'local:team/db'], { input: 'x' })
  t.match(put, { code: 0, stderr: '' })
  t.match(redis.cli('info', 'keyspace'), /db3:keys=/)
  const { url: origin } = await serve(t, folder)
  const key = await issueKey(folder)
  t.equal((await get(`${origin}/v1/secrets?ref=local:team/db`, key)).status, 200)
  await eventually(async () => (await readinessOf(origin)).status === 'ok')
})
