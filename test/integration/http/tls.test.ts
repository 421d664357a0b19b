// TLS, where the service ends it itself: no old protocol, and with a client CA nobody without a certificate.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type SecureVersion } from 'node:tls'
import { test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { createCertificate } from '../../support/certificate.ts'
import { createDirectory } from '../../support/embedded.ts'
import { exchange, listenOn } from '../../support/raw-http.ts'

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []\n'

/** The protocol that was agreed on, or why there was none. */
const handshake = (
  port: number,
  version: SecureVersion,
  more: { ca: string; key?: string; cert?: string; ciphers?: string }
): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...more
    })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve(`${text.slice(0, 12)} ${version}`))
    socket.on('secureConnect', () =>
      socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    )
  })

const writeCertificate = async (directory: string, name: string, kind: 'ec' | 'rsa' = 'ec') => {
  const { key, cert } = createCertificate('127.0.0.1', kind)
  const files = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
  await writeFile(files.cert, cert)
  await writeFile(files.key, key)
  return { key, cert, files }
}

test('with a certificate the listener speaks TLS 1.2 and 1.3, and nothing else', async (t) => {
  const server = await writeCertificate(createDirectory(t), 'server')
  const { app } = await buildTestApp(t, {
    yaml: YAML,
    env: { TLS_CERT_FILE: server.files.cert, TLS_KEY_FILE: server.files.key }
  })
  const port = await listenOn(app.server)
  const ca = server.cert
  t.equal(await handshake(port, 'TLSv1.2', { ca }), 'HTTP/1.1 200 TLSv1.2')
  t.equal(await handshake(port, 'TLSv1.3', { ca }), 'HTTP/1.1 200 TLSv1.3')
  for (const old of ['TLSv1', 'TLSv1.1'] as const) {
    t.match(await handshake(port, old, { ca }), /^ERR_SSL_|^ECONNRESET/, old)
  }
  const plain = await exchange(port, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
  t.ok(plain.ended)
  t.notMatch(plain.text, /200 OK/)
  t.equal(await handshake(port, 'TLSv1.3', { ca }), 'HTTP/1.1 200 TLSv1.3', 'it still serves')
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server.server
  t.same([headersTimeout, requestTimeout, keepAliveTimeout], [5_000, 10_000, 75_000])
})

test('with a client CA, a caller shows a certificate of it or is not heard', async (t) => {
  const directory = createDirectory(t)
  const server = await writeCertificate(directory, 'server')
  const client = await writeCertificate(directory, 'client')
  const stranger = await writeCertificate(directory, 'stranger')
  const { app } = await buildTestApp(t, {
    yaml: YAML,
    env: {
      TLS_CERT_FILE: server.files.cert,
      TLS_KEY_FILE: server.files.key,
      TLS_CLIENT_CA_FILE: client.files.cert
    }
  })
  const port = await listenOn(app.server)
  const ca = server.cert
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const known = await handshake(port, version, { ca, cert: client.cert, key: client.key })
    t.equal(known, `HTTP/1.1 200 ${version}`)
    const none = await handshake(port, version, { ca })
    t.notMatch(none, /200/)
    const other = await handshake(port, version, { ca, cert: stranger.cert, key: stranger.key })
    t.notMatch(other, /200/)
  }
})

test('both listeners have suites with forward secrecy and authenticated encryption, and no others', async (t) => {
  const good = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']
  const bad = ['AES128-SHA', 'AES256-SHA', 'AES128-SHA256', 'AES256-SHA384']
  for (const kind of ['rsa', 'ec'] as const) {
    const server = await writeCertificate(createDirectory(t), 'server', kind)
    const { app } = await buildTestApp(t, {
      yaml: YAML,
      env: {
        TLS_CERT_FILE: server.files.cert,
        TLS_KEY_FILE: server.files.key,
        INTERNAL_HOST: '127.0.0.1',
        INTERNAL_PORT: '0'
      }
    })
    const internal = app.listeners[1]?.server
    if (internal === undefined) throw new Error('there is an internal listener')
    const exchange = kind === 'rsa' ? 'ECDHE-RSA' : 'ECDHE-ECDSA'
    // Without a key exchange in the name: that of RSA, which keeps no secret for later.
    const others = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA256']
    for (const listener of [app.server, internal]) {
      const port = await listenOn(listener)
      const tryOut = (ciphers: string, version: SecureVersion = 'TLSv1.2') =>
        handshake(port, version, {
          ca: server.cert,
          ciphers: version === 'TLSv1.2' ? `${ciphers}:@SECLEVEL=0` : ciphers
        })
      for (const suite of good) {
        t.equal(await tryOut(`${exchange}-${suite}`), 'HTTP/1.1 200 TLSv1.2', suite)
      }
      for (const suite of [
        ...bad.map((name) => `${exchange}-${name}`),
        ...(kind === 'rsa' ? others : [])
      ]) {
        const outcome = await tryOut(suite)
        t.match(outcome, /^ERR_SSL_|^ECONNRESET/, suite)
      }
      t.equal(await tryOut('TLS_AES_256_GCM_SHA384', 'TLSv1.3'), 'HTTP/1.1 200 TLSv1.3')
      t.match(await tryOut('TLS_AES_128_CCM_SHA256', 'TLSv1.3'), /^ERR_SSL_|^ECONNRESET/)
    }
  }
})
