/** `purser login` beside a program, over TLS: its key works, its failures are sentences, and its trust's keys are revoked together. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createCertificate } from '../support/certificate.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  LOCAL_YAML,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'
const trustsOf = (jwks: string) => `trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { file: ${jwks} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: app, scopes: ["aura-services:secrets"] }
`

const setUp = async (t: Test) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const service = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  const files = { 'tls.key': key, 'tls.crt': cert, 'jwks.json': JSON.stringify(issuer.jwks) }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(service, name), text, { mode: 0o600 })
  }
  const { folder } = createConfigured(t, {
    yaml: LOCAL_YAML + trustsOf(join(service, 'jwks.json')),
    variables: {
      TLS_CERT_FILE: join(service, 'tls.crt'),
      TLS_KEY_FILE: join(service, 'tls.key')
    }
  })
  const { url } = await serve(t, folder)
  const beside = createDirectory(t)
  // Of the program there: what it says is no business of ours, and may be no settings at all.
  writeFileSync(join(beside, '.env'), 'PURSER_URL=https://eve.example\nthis is no setting\n')
  const give = async (changes: object = {}) => {
    const token = await issuer.sign(accountClaims(ISSUER, Date.now(), changes))
    writeFileSync(join(beside, 'token'), `${token}\n`)
  }
  const env = { PURSER_URL: url, PURSER_CA_FILE: join(service, 'tls.crt') }
  const run = (args: readonly string[], changes: Readonly<Record<string, string>> = {}) =>
    runPurser(t, beside, args, { env: { ...env, ...changes } })
  return { folder, beside, url, cert, give, run }
}

const LOGIN = ['login', '--trust', 'prod-cluster', '--token-file', 'token']

test('a key comes out alone, or into a file of mode 600 again and again, and works', async (t) => {
  const { folder, beside, give, run } = await setUp(t)
  await give()
  const { code, stdout, stderr } = await run(LOGIN)
  t.equal(code, 0, stderr)
  t.match(stdout, /^purser_dev_[A-Za-z0-9_.-]+\n$/)
  t.match(stderr, /^The key is good for \d+ seconds, for aura-services:secrets\.\n$/)
  for (const _ of [1, 2]) {
    const written = await run([...LOGIN, '--out', 'key'])
    t.match(written, { code: 0, stdout: '' })
  }
  const file = join(beside, 'key')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(readFileSync(file, 'utf8'), /^purser_dev_[^\n]+\n$/)

  const inspect = async () => {
    const { stdout: text } = await runPurser(t, folder, ['key', 'inspect', file])
    return JSON.parse(text)
  }
  t.match(await inspect(), { client: 'app', via: ['trust:prod-cluster'], inForce: true })
  const typo = await runPurser(t, folder, ['key', 'revoke', '--trust', 'nosuch'])
  t.match(typo, { code: 1, stdout: '', stderr: /Nothing was revoked/ })
  const revoked = await runPurser(t, folder, ['key', 'revoke', '--trust', 'prod-cluster'])
  t.match(revoked, { code: 0, stdout: '3 keys of logins by prod-cluster are revoked\n' })
  t.match(await inspect(), { inForce: false, refusedFor: ['revocation'] })
  t.match(await run(LOGIN), { code: 0 }, 'who logs in later gets another one')
})

test('what goes wrong is a sentence, and shows nothing of the token', async (t) => {
  const { give, run, beside } = await setUp(t)
  await give({ aud: 'other' })
  const token = readFileSync(join(beside, 'token'), 'utf8')
  const cases: readonly (readonly [
    Promise<{ code: number | null; stderr: string }>,
    number,
    RegExp
  ])[] = [
    [run(LOGIN), 1, /^The service does not take the token\. Its record says why/],
    [run(['login', '--token-file', 'nothing']), 1, /^The file of the token is not there\.$/m],
    [run(LOGIN, { PURSER_URL: '' }), 2, /^PURSER_URL is not set/],
    [run(LOGIN, { PURSER_URL: 'http://purser.example' }), 2, /must be an https: address/],
    [
      run(LOGIN, { PURSER_CA_FILE: '' }),
      1,
      /^The service at PURSER_URL cannot be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/
    ],
    [run(LOGIN, { PURSER_URL: 'https://127.0.0.1:1' }), 1, /cannot be reached \(ECONNREFUSED\)/],
    [run(['login', '--trust', 'A', '--token-file', 'token']), 2, /name of a member of trusts/],
    [run(['key', 'revoke']), 2, /give the id of a key, or a trust/]
  ]
  for (const [running, code, sentence] of cases) {
    const ended = await running
    t.equal(ended.code, code, ended.stderr)
    t.match(ended.stderr, sentence)
    t.notMatch(ended.stderr, token.slice(0, 40))
  }
})

test('what an AWS SDK takes for a key comes out as three variables', async (t) => {
  const { folder } = createConfigured(t)
  const { ended } = startPurser(t, folder, ['key', 'issue', '-e', 'dev', '--aws'])
  const { stdout } = await ended
  t.match(
    stdout,
    /^AWS_ACCESS_KEY_ID=PSR[0-9a-f]{16}\nAWS_SECRET_ACCESS_KEY=[\w-]{43}\nAWS_SESSION_TOKEN=purser_dev_\S+\n$/
  )
})
