// `purser run` with the token that a real API server makes for a pod: it gets its group, and with any other token nothing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import { isClusterInstalled, startKubeApiserver } from '../support/kube-apiserver.ts'
import { skipWithout } from '../support/peers.ts'
import { createConfigured, putLocal, runPurser, serve } from '../support/purser-process.ts'

const ISSUER = 'https://kubernetes.default.svc'
const ACCOUNTS = '/api/v1/namespaces/apps/serviceaccounts'

test("a pod's token of a real cluster gets the whole group, and no other token does", async (t) => {
  if (skipWithout(t, await isClusterInstalled())) return
  const { admin } = await startKubeApiserver(t)
  await admin('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } })
  for (const name of ['app', 'other']) await admin('POST', ACCOUNTS, { metadata: { name } })
  const tokenOf = async (account: string, audience: string): Promise<string> => {
    const { text } = await admin('POST', `${ACCOUNTS}/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds: 600 }
    })
    return JSON.parse(text).status.token
  }
  const place = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  const files = {
    'tls.crt': cert,
    'tls.key': key,
    'jwks.json': (await admin('GET', '/openid/v1/jwks')).text
  }
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(place, name), text, { mode: 0o600 })
  const { folder } = createConfigured(t, {
    yaml: `stores:
  - { name: aws, kind: local }
policies:
  - { client: acme-pro-app, read: ["aws:acme-pro-appsec/*"] }
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { file: ${join(place, 'jwks.json')} }
    bind: { namespace: apps, serviceAccount: app }
    grant: { client: acme-pro-app, scopes: ["aura-services:secrets"] }
`,
    variables: { TLS_CERT_FILE: join(place, 'tls.crt'), TLS_KEY_FILE: join(place, 'tls.key') }
  })
  const names = ['SMTPMailServerPassword', 'TokenKey']
  for (const name of names) await putLocal(folder, `acme-pro-appsec/${name}`, `of ${name}`, 'aws')
  const { url } = await serve(t, folder)
  const run = async (token: string) => {
    writeFileSync(join(place, 'token'), token)
    const group = ['--all-below', 'aws:acme-pro-appsec/', '--as', 'files']
    const program = ['sh', '-c', 'cd "$PURSER_FILES" && grep "" *']
    return runPurser(t, place, ['run', '--token-file', 'token', ...group, '--', ...program], {
      env: { PURSER_URL: url, PURSER_CA_FILE: join(place, 'tls.crt') }
    })
  }
  t.match(await run(await tokenOf('app', 'purser')), {
    code: 0,
    stdout: names.map((name) => `${name}:of ${name}\n`).join(''),
    stderr: ''
  })
  const refused = { code: 125, stdout: '', stderr: /^purser run: no_login: / }
  t.match(await run(await tokenOf('other', 'purser')), refused, 'another account')
  t.match(await run(await tokenOf('app', ISSUER)), refused, 'another audience')
})
