// The pod of examples/kubernetes-run: it holds no secret, and what it is started with does what the example says.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { createCertificate } from '../support/certificate.ts'
import { parseConfigFile } from '../support/config-file.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  putLocal,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const FOLDER = resolve('examples/kubernetes-run')
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

const documents = parseAllDocuments(textOf('deployment.yaml')).map((one) => one.toJS())
const pod = documents.find(({ kind }) => kind === 'Deployment').spec.template.spec
const [container] = pod.containers

test('the pod holds no secret: none is mounted, none is in a variable, and its token is for Purser alone', async (t) => {
  t.equal(
    documents.some(({ kind }) => kind === 'Secret'),
    false
  )
  t.notMatch(textOf('deployment.yaml'), /secretRef|secretKeyRef|secretName|imagePullSecrets/)
  t.equal(pod.automountServiceAccountToken, false)
  t.strictSame(
    container.env.map(({ name }: { name: string }) => name),
    ['PURSER_URL', 'PURSER_CA_FILE']
  )
  const sources = pod.volumes.flatMap(
    (one: { projected?: { sources: object[] } }) => one.projected?.sources ?? []
  )
  t.strictSame(sources, [
    { serviceAccountToken: { audience: 'purser', expirationSeconds: 600, path: 'token' } }
  ])
  t.match(pod.volumes, [{}, { name: 'secrets', emptyDir: { medium: 'Memory' } }, {}])
})

test('its part of purser.yaml is a configuration', async (t) => {
  const { policies } = parseConfigFile(textOf('purser.yaml'), 'purser.yaml')
  t.match(policies, [{ client: 'acme-pro-app' }])
})

test('what the pod starts logs in, has the whole group in files, and is restarted when one changes', async (t) => {
  const { trusts, policies } = parse(textOf('purser.yaml'))
  const issuer = await createWorkloadIssuer(trusts[0].issuer)
  const place = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  const token = join(place, 'token')
  const claims = accountClaims(trusts[0].issuer, Date.now(), {
    sub: 'system:serviceaccount:apps:app',
    'kubernetes.io': { namespace: 'apps', serviceaccount: { name: 'app', uid: randomUUID() } }
  })
  const files = {
    'tls.crt': cert,
    'tls.key': key,
    'jwks.json': JSON.stringify(issuer.jwks),
    token: await issuer.sign(claims)
  }
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(place, name), text, { mode: 0o600 })
  trusts[0].jwks = { file: join(place, 'jwks.json') }
  const { folder } = createConfigured(t, {
    yaml: JSON.stringify({ stores: [{ name: 'aws', kind: 'local' }], policies, trusts }),
    variables: { TLS_CERT_FILE: join(place, 'tls.crt'), TLS_KEY_FILE: join(place, 'tls.key') }
  })
  for (const name of ['SMTPMailServerPassword', 'TokenKey']) {
    await putLocal(folder, `acme-pro-appsec/${name}`, 'one', 'aws')
  }
  const { url } = await serve(t, folder)
  const memory = mkdtempSync('/dev/shm/purser-test-')
  t.teardown(() => rmSync(memory, { recursive: true, force: true }))
  const into = join(memory, 'app')
  const args = container.args.map((arg: string) =>
    arg.replace('/var/run/secrets/purser/token', token).replace('/run/secrets/app', into)
  )
  const env = { PURSER_URL: url, PURSER_CA_FILE: join(place, 'tls.crt'), PORT: '0', SECRETS: into }
  const running = startPurser(t, FOLDER, args, { env })
  t.teardown(async () => {
    running.child.kill('SIGTERM')
    await running.ended
  })
  const starts = () => running.output.stdout.match(/The program is there/g)?.length ?? 0
  await eventually(() => starts() === 1)
  t.equal(readFileSync(join(into, 'SMTPMailServerPassword'), 'utf8'), 'one')
  const put = await runPurser(t, folder, ['store', 'put', 'aws:acme-pro-appsec/TokenKey'], {
    input: 'two'
  })
  t.equal(put.code, 0, put.stderr)
  await eventually(() => starts() === 2)
  t.equal(readFileSync(join(into, 'TokenKey'), 'utf8'), 'two')
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 0, stderr: '' })
  t.notOk(existsSync(into))
})
