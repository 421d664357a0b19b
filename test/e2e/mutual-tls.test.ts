/** A service that asks its callers for a certificate: `purser login` and `purser run` show theirs, and say in a sentence what is wrong with it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  issueKey,
  LOCAL_YAML,
  putLocal,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'

const setUp = async (t: Test) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const folder = createDirectory(t)
  const put = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const putPair = (name: string) => {
    const { key, cert } = createCertificate('127.0.0.1')
    return { cert: put(`${name}.crt`, cert), key: put(`${name}.key`, key) }
  }
  const [server, client, stranger] = [putPair('server'), putPair('client'), putPair('stranger')]
  const yaml = `${LOCAL_YAML}trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { file: ${put('jwks.json', JSON.stringify(issuer.jwks))} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: app, scopes: ["aura-services:secrets"] }
`
  const { folder: service } = createConfigured(t, {
    yaml,
    variables: {
      TLS_CERT_FILE: server.cert,
      TLS_KEY_FILE: server.key,
      TLS_CLIENT_CA_FILE: client.cert
    }
  })
  await putLocal(service, 'team/a', 'one')
  const { url } = await serve(t, service)
  const env = {
    PURSER_URL: url,
    PURSER_CA_FILE: server.cert,
    PURSER_KEY_FILE: put('app.key', await issueKey(service))
  }
  const shown = (pair: { cert: string; key: string }) => ({
    PURSER_CLIENT_CERT_FILE: pair.cert,
    PURSER_CLIENT_KEY_FILE: pair.key
  })
  const token = put('token', await issuer.sign(accountClaims(ISSUER, Date.now())))
  return { folder, service, put, env, shown, client, stranger, token }
}

test('login and run show their certificate to a service that asks for one', async (t) => {
  const { folder, service, env, shown, client, token } = await setUp(t)
  const own = { env: { ...env, ...shown(client) } }
  const login = await runPurser(t, folder, ['login', '--token-file', token], own)
  t.match(login, { code: 0, stdout: /^purser_/ }, login.stderr)
  const read = ['run', '--env', 'A=local:team/a', '--', 'sh', '-c', 'echo "$A"']
  t.match(await runPurser(t, folder, read, own), { code: 0, stdout: 'one\n' })

  const script = 'trap "exit 0" TERM; echo "has $A"; while :; do sleep 0.05; done'
  const watch = ['run', '--env', 'A=local:team/a', '--watch', 'restart', '--jitter', '0']
  const args = [...watch, '--check-every', '1', '--', 'sh', '-c', script]
  const running = startPurser(t, folder, args, own)
  await running.says(/has one/)
  await putLocal(service, 'team/a', 'two')
  await running.says(/has two/)
  running.child.kill('SIGTERM')
  await running.ended
})

test('a certificate that is missing, of nobody known or half given is a sentence', async (t) => {
  const { folder, put, env, shown, client, stranger } = await setUp(t)
  const read = ['run', '--wait', '0', '--env', 'A=local:team/a', '--', 'true']
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, RegExp])[] = [
    [{}, 125, /cannot be reached \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)/],
    [shown(stranger), 125, /cannot be reached \(E/],
    [shown({ cert: client.cert, key: stranger.key }), 125, /cannot be reached \(ERR_/],
    [shown({ cert: client.cert, key: join(folder, 'none') }), 125, /PURSER_CLIENT_KEY_FILE names/],
    [
      shown({ cert: put('junk', 'junk'), key: client.key }),
      125,
      /cannot be reached|cannot be read/
    ],
    [{ PURSER_CLIENT_CERT_FILE: client.cert }, 2, /go together/],
    [{ PURSER_CLIENT_KEY_FILE: client.key }, 2, /go together/]
  ]
  for (const [changes, code, stderr] of cases) {
    const asked = await runPurser(t, folder, read, { env: { ...env, ...changes } })
    t.match(asked, { code, stdout: '', stderr })
  }
})
