// `purser run` by a login, over TLS: no key is stored anywhere, and a change reaches the program after the first key is over.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { test } from 'tap'
import { recordsIn } from '../support/audit-records.ts'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  LOCAL_YAML,
  putLocal,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'
const SCRIPT = `trap 'exit 0' TERM; echo "start $A" >> "$0"; while :; do sleep 0.02; done`

/** That the secret has changed. */
const tellOf = (url: string, ca: string, secret: string): Promise<number | undefined> =>
  new Promise((done, fail) => {
    const headers = { 'x-internal-secret': secret, 'content-type': 'application/json' }
    const asked = request(
      `${url}/internal/events/local`,
      { method: 'POST', ca, headers },
      (answer) => {
        answer.resume()
        done(answer.statusCode)
      }
    )
    asked.once('error', fail)
    asked.end('{"path":"team/a"}')
  })

test('a run logs in, logs in again before its key ends, and hears of a change by the new one', async (t) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const service = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  const [certFile, keyFile, jwks] = ['tls.crt', 'tls.key', 'jwks.json'].map((name) =>
    join(service, name)
  ) as [string, string, string]
  for (const [file, text] of [
    [certFile, cert],
    [keyFile, key],
    [jwks, JSON.stringify(issuer.jwks)]
  ] as const) {
    writeFileSync(file, text, { mode: 0o600 })
  }
  const yaml = `${LOCAL_YAML}trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { file: ${jwks} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: app, scopes: ["aura-services:secrets"] }
`
  const variables = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }
  const { folder, variables: all } = createConfigured(t, { yaml, variables })
  await putLocal(folder, 'team/a', 'one')
  const { url } = await serve(t, folder)
  const beside = createDirectory(t)
  const give = async (seconds: number, changes: object = {}) => {
    const iat = Math.floor(Date.now() / 1000)
    const claims = accountClaims(ISSUER, Date.now(), { iat, exp: iat + seconds, ...changes })
    writeFileSync(join(beside, 'token'), await issuer.sign(claims))
  }
  const env = { PURSER_URL: url, PURSER_CA_FILE: certFile }
  const login = [
    'run',
    '--trust',
    'prod-cluster',
    '--token-file',
    'token',
    '--env',
    'A=local:team/a'
  ]

  await give(600, { aud: ['other'] })
  const refused = await runPurser(t, beside, [...login, '--', 'true'], { env })
  t.match(refused, {
    code: 125,
    stdout: '',
    stderr: /^purser run: no_login: The service does not take the token/
  })

  await give(12)
  const file = join(beside, 'said')
  const running = startPurser(
    t,
    beside,
    [...login, '--watch', 'restart', '--', 'sh', '-c', SCRIPT, file],
    { env }
  )
  t.teardown(async () => {
    running.child.kill('SIGTERM')
    await running.ended
  })
  const said = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await eventually(() => said() === 'start one\n')
  await give(600)
  const logins = async () =>
    (await recordsIn(folder)).filter(
      ({ action, outcome }) => action === 'key.login' && outcome === 'allowed'
    )
  await eventually(async () => (await logins()).length >= 2)
  const [first, second] = await logins()
  t.not(first?.['keyId'], second?.['keyId'])
  // The service ends the stream of a key that is over: from then on it is the new key that hears.
  await eventually(async () =>
    (await recordsIn(folder)).some(({ action }) => action === 'events.end')
  )
  const put = await runPurser(t, folder, ['store', 'put', 'local:team/a'], { input: 'two' })
  t.equal(put.code, 0, put.stderr)
  t.equal(await tellOf(url, cert, all['INTERNAL_SECRET'] ?? ''), 200)
  await eventually(() => said() === 'start one\nstart two\n')
  t.equal(running.output.stderr, '')
})
