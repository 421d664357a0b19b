/** Certificates that are renewed while the service runs: its own, and those by which it verifies stores. */
import { X509Certificate as Certificate, type X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Test, test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import { listenOn } from '../support/raw-http.ts'
import { eventually } from '../support/redis.ts'

const LOCAL = 'stores: [{ name: local, kind: local }]\npolicies: []\n'
const NEVER_MS = 3_600_000

type Pair = ReturnType<typeof createCertificate>
const serialOf = ({ cert }: Pair): string => new Certificate(cert).serialNumber

/** The serial number of what the listener shows, or why there was none. */
const shown = (port: number, mine?: Pair): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...mine })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve('closed'))
    socket.on('secureConnect', () => {
      const { serialNumber } = socket.getPeerX509Certificate() as X509Certificate
      // With TLS 1.3 a certificate of a caller is refused after the handshake.
      socket.on('data', () => {
        resolve(serialNumber)
        socket.destroy()
      })
      socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
    })
  })

interface Opening {
  readonly clientCa?: Pair
  readonly yaml?: string
}

const open = async (
  t: Test,
  certificatesEveryMs: number,
  { clientCa, yaml = LOCAL }: Opening = {}
) => {
  const folder = createDirectory(t)
  const [certFile, keyFile, caFile] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
    join(folder, name)
  ) as [string, string, string]
  const put = ({ cert, key }: Pair): void => {
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
  }
  const first = createCertificate('127.0.0.1')
  put(first)
  if (clientCa !== undefined) writeFileSync(caFile, clientCa.cert)
  const service = await buildTestApp(t, {
    yaml,
    environ: { VAULT_TOKEN: 'hvs.of-the-test' },
    env: {
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
      INTERNAL_HOST: '127.0.0.1',
      INTERNAL_PORT: '0',
      ...(clientCa && { TLS_CLIENT_CA_FILE: caFile })
    },
    overrides: { certificatesEveryMs }
  })
  const ports: number[] = []
  for (const { server } of service.app.listeners) ports.push(await listenOn(server))
  return { ...service, first, put, keyFile, caFile, ports: ports as [number, number] }
}

test('a reload has every listener show the certificate that is in the files now', async (t) => {
  const { first, put, keyFile, ports, reload, logs, app } = await open(t, NEVER_MS)
  for (const port of ports) t.equal(await shown(port), serialOf(first))
  const second = createCertificate('127.0.0.1')
  put(second)
  for (const port of ports) t.equal(await shown(port), serialOf(first), 'not without being told')
  await reload({})
  for (const port of ports) t.equal(await shown(port), serialOf(second))
  t.match(logs.join(''), /"msg":"the certificate was renewed"/)

  // As files that are written one after the other are for a while.
  writeFileSync(keyFile, createCertificate('127.0.0.1').key)
  await reload({})
  await reload({})
  for (const port of ports) t.equal(await shown(port), serialOf(second), 'the former goes on')
  const told = logs.filter((line) => line.includes('the former certificate is served on'))
  t.equal(told.length, 1, 'told once')
  t.match(told, [/TLS_KEY_FILE: the file does not hold the key of TLS_CERT_FILE/])
  t.notMatch(told.join(''), /BEGIN/)
  put(first)
  await reload({})
  for (const port of ports) t.equal(await shown(port), serialOf(first))
  const find = (await app.figures()).find(
    ({ name }) => name === 'purser_tls_certificate_expires_timestamp_seconds'
  )
  t.match(JSON.stringify(find), /TLS_CERT_FILE/)
  t.match(JSON.stringify(find), String(Date.parse(new Certificate(first.cert).validTo) / 1000))
})

test('without being told, the files are looked at in a while', async (t) => {
  const { put, ports } = await open(t, 20)
  const second = createCertificate('127.0.0.1')
  put(second)
  await eventually(async () => (await shown(ports[0])) === serialOf(second))
  await eventually(async () => (await shown(ports[1])) === serialOf(second))
})

test('another authority of callers takes the place of the former one, and nothing unfit does', async (t) => {
  const [former, next] = [createCertificate('former'), createCertificate('next')]
  const { first, caFile, ports, reload } = await open(t, NEVER_MS, { clientCa: former })
  const [port] = ports
  const isLetIn = async (pair: Pair) => (await shown(port, pair)) === serialOf(first)
  t.same([await isLetIn(former), await isLetIn(next)], [true, false])
  writeFileSync(caFile, 'no certificate\n')
  await reload({})
  t.same([await isLetIn(former), await isLetIn(next)], [true, false])
  writeFileSync(caFile, next.cert)
  await reload({})
  t.same([await isLetIn(former), await isLetIn(next)], [false, true])
})

/** A KV engine over TLS whose certificate the test renews. */
const startVault = async (t: Test, pair: Pair) => {
  const server = createServer(pair, (request, response) => {
    const isSecret = request.url?.startsWith('/v1/kv/data/') === true
    const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: null }
    const data = isSecret ? { metadata, data: { text: 'value' } } : { ttl: 3600, renewable: false }
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify({ lease_id: '', data, auth: null }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return {
    port: (server.address() as AddressInfo).port,
    renew: (next: Pair) => server.setSecureContext(next)
  }
}

test('a certificate or an authority that has expired is told once, at the start or when it comes, and taken all the same', async (t) => {
  const expired = createCertificate('127.0.0.1', 'ec', { isExpired: true })
  const ended = new Date(new Certificate(expired.cert).validTo).toISOString()
  const storeCa = join(createDirectory(t), 'vault-ca.crt')
  writeFileSync(storeCa, expired.cert)
  const yaml = `stores:
  - name: vault
    kind: vault
    address: https://127.0.0.1:1
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
    caCertFile: ${storeCa}
policies: []
`
  const { put, caFile, ports, reload, logs, first } = await open(t, NEVER_MS, {
    clientCa: createCertificate('caller'),
    yaml
  })
  const told = () =>
    logs
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'a certificate has expired')
      .map(({ level, setting, store, since }) => [level, setting, store, since])
  t.same(told(), [['warn', 'caCertFile', 'vault', ended]], 'at the start')
  put(expired)
  await reload({})
  await reload({})
  const own = ['warn', 'TLS_CERT_FILE', undefined, ended]
  t.same(told().slice(1), [own])
  writeFileSync(caFile, expired.cert)
  await reload({})
  t.same(told().slice(2), [['warn', 'TLS_CLIENT_CA_FILE', undefined, ended]])
  t.equal(await shown(ports[0], expired).then((serial) => serial !== serialOf(first)), true)
  put(first)
  await reload({})
  put(expired)
  await reload({})
  t.same(told().slice(3), [own], 'and again when it comes again')
})

test('a store is verified by the authorities that are in its file now, and keeps what is cached', async (t) => {
  const [former, next] = [createCertificate('127.0.0.1'), createCertificate('127.0.0.1')]
  const vault = await startVault(t, former)
  const caFile = join(createDirectory(t), 'vault-ca.crt')
  writeFileSync(caFile, former.cert)
  const yaml = `stores:
  - name: vault
    kind: vault
    address: https://127.0.0.1:${vault.port}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
    caCertFile: ${caFile}
policies: [{ client: app, read: ["vault:kv/*"] }]
`
  const { as, reload, logs, app } = await buildTestApp(t, {
    yaml,
    environ: { VAULT_TOKEN: 'hvs.of-the-test' },
    env: { UPSTREAM_TIMEOUT_MS: '20000', CACHE_NEGATIVE_TTL_SECONDS: '0' },
    overrides: { certificatesEveryMs: 20 }
  })
  const client = await as('app')
  const read = async (name: string): Promise<string> => {
    const { statusCode, headers } = await client.read(`vault:kv/${name}#text`)
    return `${statusCode} ${headers['x-cache'] ?? ''}`
  }
  t.equal(await read('one'), '200 MISS')
  vault.renew(next)
  t.match(await read('two'), /^50[23] /)
  writeFileSync(caFile, 'half a certifica')
  await reload({ yaml })
  t.equal(await read('one'), '200 HIT')
  writeFileSync(caFile, next.cert)
  await eventually(() => logs.some((line) => line.includes('authorities of a store were renewed')))
  await eventually(async () => (await read('three')).startsWith('200 '))
  t.equal(await read('one'), '200 HIT', 'it leads where it led')
  t.match(JSON.stringify(await app.figures()), /"setting":"caCertFile","store":"vault"/)
})
