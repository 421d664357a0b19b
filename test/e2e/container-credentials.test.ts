/**
 * AWS SDKs that log in by themselves: told by their environment where to ask and where the token of their pod is, and given no
 * credential. The service is a process of its own, and the tokens are those of an issuer of the test.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Test, test } from 'tap'
import { recordsIn } from '../support/audit-records.ts'
import { createCertificate } from '../support/certificate.ts'
import { runProgram } from '../support/door-clients/client.ts'
import { createDirectory } from '../support/embedded.ts'
import { isInstalled, programOf } from '../support/peers.ts'
import { certifiWith } from '../support/pod-clients.ts'
import { createConfigured, PROGRAM, putLocal, serve } from '../support/purser-process.ts'
import { accountClaims, createWorkloadIssuer } from '../support/workload-issuer.ts'

const ISSUER = 'https://oidc.example'
const yamlOf = (jwks: string): string => `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
doors: [{ dialect: aws, store: local, port: 0, host: 127.0.0.1 }]
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { file: ${jwks} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: shop, scopes: ["aura-services:secrets"], mode: rw, ttlSeconds: 3600 }
`

const JAVASCRIPT = `
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
const asked = new GetSecretValueCommand({ SecretId: process.argv[1] })
const answer = await new SecretsManagerClient({ maxAttempts: 1 }).send(asked).catch((error) => ({ error: error.name }))
console.log(JSON.stringify({ value: answer.SecretString, error: answer.error }))
`

const setUp = async (t: Test, variables: Readonly<Record<string, string>> = {}) => {
  const issuer = await createWorkloadIssuer(ISSUER)
  const pod = createDirectory(t)
  writeFileSync(join(pod, 'jwks.json'), JSON.stringify(issuer.jwks))
  const { folder } = createConfigured(t, { yaml: yamlOf(join(pod, 'jwks.json')), variables })
  await putLocal(folder, 'shop/db', 'of the shop')
  const { url, says } = await serve(t, folder)
  const [, door = ''] = await says(/Door aws at (http[^"]+)/)
  const give = async (changes: object = {}): Promise<string> => {
    const now = Date.now()
    const exp = Math.floor(now / 1000) + 3_600
    const file = join(pod, 'token')
    writeFileSync(file, await issuer.sign(accountClaims(ISSUER, now, { exp, ...changes })))
    return file
  }
  const envWith = (tokenFile: string) => ({
    AWS_ENDPOINT_URL_SECRETS_MANAGER: door,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/auth/aws-credentials?trust=prod-cluster`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile
  })
  return { folder, give, envWith }
}

const python = await isInstalled('aws-clients')

test('boto3 reads with the token of its pod, and with no other', {
  skip: python === true ? false : python
}, async (t) => {
  const { folder, give, envWith } = await setUp(t)
  const client = resolve('test/support/door-clients/aws_client.py')
  const read = async (tokenFile: string) => {
    const args = [client, 'boto3', 'read', 'shop/db']
    return runProgram(programOf('aws-clients') ?? '', args, { env: envWith(tokenFile) })
  }
  const { out, err } = await read(await give())
  t.match(JSON.parse(out || '{}'), { value: 'of the shop' }, err)
  const logins = (await recordsIn(join(folder))).filter(({ action }) => action === 'key.login')
  t.match(logins, [{ outcome: 'allowed', object: 'trust prod-cluster' }])
  const refused = await read(await give({ aud: ['other'] }))
  t.match(JSON.parse(refused.out || '{}'), { error: /Credential/ }, refused.err)
})

test('where the authority is our own, boto3 and the command line log in by a certifi that has it', {
  skip: python === true ? false : python
}, async (t) => {
  const { key, cert } = createCertificate('127.0.0.1')
  const files = createDirectory(t)
  const [certFile, keyFile] = [join(files, 'tls.crt'), join(files, 'tls.key')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  const variables = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }
  const { give, envWith } = await setUp(t, variables)
  const env = { ...envWith(await give()), AWS_CA_BUNDLE: certFile }
  const client = resolve('test/support/door-clients/aws_client.py')
  const command = ['-m', 'awscli', 'secretsmanager', 'get-secret-value', '--secret-id', 'shop/db']
  for (const args of [[client, 'boto3', 'read', 'shop/db'], command]) {
    const read = (more: object) =>
      runProgram(programOf('aws-clients') ?? '', args, { env: { ...env, ...more } })
    // AWS_CA_BUNDLE is for calls of AWS alone: docs/login.md.
    const refused = await read({})
    t.match(refused.out + refused.err, /SSL/)
    t.notMatch(refused.out, /of the shop/)
    const { out, err } = await read({ PYTHONPATH: certifiWith(t, cert) })
    t.match(out, /of the shop/, err)
  }
})

test('a profile whose process is purser login reads where our own authority is known to Purser alone', {
  skip: python === true ? false : python
}, async (t) => {
  const { key, cert } = createCertificate('127.0.0.1')
  const files = createDirectory(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(files, name), text, { mode: 0o600 })
    return join(files, name)
  }
  const [certFile, keyFile] = [file('tls.crt', cert), file('tls.key', key)]
  const { give, envWith } = await setUp(t, { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile })
  const tokenFile = await give()
  const { AWS_ENDPOINT_URL_SECRETS_MANAGER: door, AWS_CONTAINER_CREDENTIALS_FULL_URI: address } =
    envWith(tokenFile)
  const [, config = ''] = /```ini\n(.*?)```/s.exec(readFileSync('docs/doors/aws.md', 'utf8')) ?? []
  const changed = config
    .replace('purser login', `${process.execPath} -- ${PROGRAM} login`)
    .replace('/var/run/secrets/purser/token', tokenFile)
    .replace('https://purser.example:4566', door)
  const env = {
    AWS_CONFIG_FILE: file('config', changed),
    AWS_PROFILE: 'purser',
    AWS_CA_BUNDLE: certFile,
    PURSER_URL: new URL(address).origin,
    PURSER_CA_FILE: certFile
  }
  const client = resolve('test/support/door-clients/aws_client.py')
  const command = ['-m', 'awscli', 'secretsmanager', 'get-secret-value', '--secret-id', 'shop/db']
  for (const args of [[client, 'boto3', 'read', 'shop/db'], command]) {
    const read = () => runProgram(programOf('aws-clients') ?? '', args, { env })
    await give()
    const { out, err } = await read()
    t.match(out, /of the shop/, err)
    await give({ aud: ['other'] })
    const refused = await read()
    t.match(
      refused.out + refused.err,
      /CredentialRetrievalError|The service does not take the token/
    )
    t.notMatch(refused.out, /of the shop/)
  }
})

test('the AWS SDK for JavaScript reads with the token of its pod, and with no other', async (t) => {
  const { give, envWith } = await setUp(t)
  const read = async (tokenFile: string) => {
    const args = ['--input-type=module', '-e', JAVASCRIPT, 'shop/db']
    return runProgram(process.execPath, args, { env: envWith(tokenFile), folder: resolve('.') })
  }
  const { out, err } = await read(await give())
  t.match(JSON.parse(out || '{}'), { value: 'of the shop' }, err)
  const refused = await read(await give({ aud: ['other'] }))
  t.match(JSON.parse(refused.out || '{}'), { error: /Credential/ }, refused.err)
})
