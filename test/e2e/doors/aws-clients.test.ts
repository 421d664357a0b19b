/** Clients of AWS Secrets Manager with nothing but their environment: what a Vault keeps, and credentials that nobody keeps. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { createAdmin } from '../../kinds/vault/fake.ts'
import { openAwsDoor } from '../../support/aws-door.ts'
import { AWS_CLIENTS } from '../../support/door-clients/aws-clients.ts'
import { placeAt, SECRET } from '../../support/door-clients/aws-worlds.ts'
import { runProgram } from '../../support/door-clients/client.ts'
import { isInstalled, programOf, skipWithout, startPeer } from '../../support/peers.ts'
import { listenOn } from '../../support/raw-http.ts'
import { accountClaims, createWorkloadIssuer } from '../../support/workload-issuer.ts'

test('a secret that lives in OpenBao is read by each of them, and a text that is written comes back', async (t) => {
  if (skipWithout(t, await isInstalled('aws-clients', 'openbao'))) return
  const { url } = await startPeer(t, 'openbao')
  await createAdmin(url)('POST', 'secret/data/app/db', { data: JSON.parse(SECRET) })
  const door = await openAwsDoor(t, {
    environ: { TOKEN: 'root' },
    yaml: `
stores:
  - name: vault
    kind: vault
    address: ${url}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
policies:
  - { client: app, read: ['vault:secret/app/*'], write: ['vault:secret/app/*'] }
doors:
  - { dialect: aws, port: 0, store: "vault:secret/" }
`
  })
  const credentials = await door.credentials('app', 'rw')
  const place = placeAt(door.url, credentials, 'app/db')
  await Promise.all(
    AWS_CLIENTS.map(async ({ name, ask }) => {
      t.same(await ask('read', place), { kind: 'gives', text: JSON.stringify(SECRET) }, name)
    })
  )
  const [boto3] = AWS_CLIENTS
  const plain = placeAt(door.url, credentials, 'app/plain')
  t.same(await boto3?.ask('write', plain), { kind: 'gives', text: 'true' })
  const text = { kind: 'gives', text: '"by boto3"' }
  t.same(await boto3?.ask('read', plain), text, 'a Vault keeps fields, and the text comes back')
})

test('a pod that holds no key reads with the token of its service account', async (t) => {
  if (skipWithout(t, await isInstalled('aws-clients'))) return
  const folder = t.testdir()
  const { issuer, jwks, sign } = await createWorkloadIssuer()
  const [keys, token] = [join(folder, 'jwks.json'), join(folder, 'token')]
  await writeFile(keys, JSON.stringify(jwks))
  const door = await openAwsDoor(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ['local:shop/*'] }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${issuer}
    audience: purser
    jwks: { file: ${JSON.stringify(keys)} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: shop, scopes: ["aura-services:secrets"], mode: r, ttlSeconds: 900 }
doors:
  - { dialect: aws, port: 0, store: local }
`
  })
  await door.seed('local', 'shop/db', SECRET)
  const port = await listenOn(door.app.server)
  const env = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: door.url,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/v1/auth/aws-credentials?trust=prod-cluster`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token
  }
  const ask = async (program: string, script: readonly string[]): Promise<unknown> => {
    const { code, out, err } = await runProgram(program, [...script, 'read', 'shop/db'], { env })
    return code === 0 ? JSON.parse(out) : err
  }
  const askBoth = () =>
    Promise.all([
      ask(programOf('aws-clients') ?? '', ['test/support/door-clients/aws_client.py', 'boto3']),
      ask(process.execPath, ['build/test/support/door-clients/aws-js-client.js'])
    ])
  await writeFile(token, await sign(accountClaims(issuer, Date.now(), {})))
  t.same(await askBoth(), [{ value: SECRET }, { value: SECRET }])
  const other = { 'kubernetes.io': { namespace: 'other', serviceaccount: { name: 'cart' } } }
  await writeFile(token, await sign(accountClaims(issuer, Date.now(), other)))
  for (const answer of await askBoth()) {
    t.notMatch(answer, { value: SECRET })
    t.match(answer, { error: /Credential/ })
  }
})
