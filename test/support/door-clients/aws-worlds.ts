/**
 * The same things to ask for, at a door of ours and at what stands for AWS: moto where it knows the case, else the answer
 * that AWS documents, word by word.
 */
import { createServer } from 'node:http'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Test } from 'tap'
import { type AwsDoor, credentialsOf, openAwsDoor } from '../aws-door.ts'
import { issueKey } from '../keys.ts'
import { startPeer } from '../peers.ts'
import type { AwsCredentials } from '../sigv4.ts'
import { closedPort, listen } from '../wire.ts'
import type { Case, Place, World } from './client.ts'

/** The token is all that a client of AWS has of a credential. */
export const placeAt = (url: string, credentials: AwsCredentials, path: string): Place => ({
  url,
  token: JSON.stringify(credentials),
  mount: '',
  path,
  jwt: ''
})

export const SECRET = '{"password":"p1","port":5432}'

const secretOf = (one: Case): string => {
  if (one === 'list') return 'app/'
  if (one === 'write') return 'app/written'
  if (one === 'missing') return 'app/none'
  return one === 'forbidden' ? 'other/db' : 'app/db'
}

const POLICIES = `
policies:
  - { client: app, read: ['local:app/**'], write: ['local:app/*'] }
doors:
  - { dialect: aws, port: 0, store: local }
`
const YAML = `
stores:
  - { name: local, kind: local }
${POLICIES}`

const openDown = async (t: Test): Promise<AwsDoor> =>
  openAwsDoor(t, {
    environ: { TOKEN: 'x' },
    yaml: `
stores:
  - name: local
    kind: vault
    address: http://127.0.0.1:${await closedPort()}
    mounts: [{ path: app, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
${POLICIES}`
  })

/** Milliseconds; far more than a test takes. */
const HOUR = 3_600_000

export const openPurser = async (t: Test): Promise<World> => {
  const limits = {
    RATE_LIMIT_ENABLED: 'true',
    RATE_LIMIT_MAX: '1',
    RATE_LIMIT_WINDOW_SECONDS: '3600'
  }
  const [door, slow, down] = await Promise.all([
    openAwsDoor(t, { yaml: YAML }),
    openAwsDoor(t, { yaml: YAML, env: limits }),
    openDown(t)
  ])
  for (const path of ['app/db', 'app/deep/one', 'app/written', 'other/db']) {
    await door.seed('local', path, SECRET)
  }
  const throttled = await slow.credentials('app')
  await slow.ask(throttled, 'GetSecretValue', { SecretId: 'app/db' })
  const expired = await issueKey(
    door.keyring,
    'app',
    'rw',
    { lifetimeSeconds: 60 },
    Date.now() - HOUR
  )
  const good = [door.url, await door.credentials('app', 'rw')] as const
  const others: Partial<Record<Case, readonly [string, AwsCredentials]>> = {
    expired: [door.url, await credentialsOf(door, expired)],
    throttled: [slow.url, throttled],
    'store down': [down.url, await down.credentials('app')]
  }
  return {
    prepare: async () => {},
    placeOf: (one) => placeAt(...(others[one] ?? good), secretOf(one))
  }
}

const ANYBODY: AwsCredentials = {
  accessKeyId: 'test',
  secretAccessKey: 'test',
  sessionToken: 'test'
}

/** Which answers moto does not give; common errors and errors of Secrets Manager, as AWS documents them. */
export const DOCUMENTED: Partial<Readonly<Record<Case, readonly [status: number, body: object]>>> =
  {
    forbidden: [
      400,
      {
        __type: 'AccessDeniedException',
        Message:
          'User: arn:aws:iam::123456789012:user/app is not authorized to perform: secretsmanager:GetSecretValue on resource: other/db because no identity-based policy allows the secretsmanager:GetSecretValue action'
      }
    ],
    expired: [
      400,
      {
        __type: 'ExpiredTokenException',
        message: 'The security token included in the request is expired'
      }
    ],
    throttled: [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }],
    'store down': [
      500,
      { __type: 'InternalServiceError', Message: 'An error occurred on the server side.' }
    ]
  }

const documented = async (t: Test, one: Case): Promise<string> => {
  const [status, body] = DOCUMENTED[one] ?? [500, {}]
  const port = await listen(
    t,
    createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify(body))
      })
    })
  )
  return `http://127.0.0.1:${port}`
}

export const openAws = async (t: Test): Promise<World> => {
  const { url } = await startPeer(t, 'moto')
  const admin = new SecretsManagerClient({
    endpoint: url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
  })
  t.teardown(() => admin.destroy())
  for (const Name of ['app/db', 'app/deep/one', 'app/written', 'other/db']) {
    await admin.send(new CreateSecretCommand({ Name, SecretString: SECRET }))
  }
  const urls = new Map<Case, string>()
  for (const one of Object.keys(DOCUMENTED) as Case[]) urls.set(one, await documented(t, one))
  return {
    prepare: async () => {},
    placeOf: (one) => placeAt(urls.get(one) ?? url, ANYBODY, secretOf(one))
  }
}
