/** A service with doors in the dialects of AWS, listening; and requests to them, signed here or by the SDK of AWS. */
import { createHash, createHmac } from 'node:crypto'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { signingCredentialsOf } from '../../src/crypto/sigv4-secret.ts'
import { type KeyRequest, openApiKey } from '../../src/keys/api-key.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from './build-app.ts'
import { listenOn } from './raw-http.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

/** What follows from an API key for a client of AWS. */
export const credentialsOf = async (
  { keyring }: Pick<TestApp, 'keyring'>,
  key: string
): Promise<AwsCredentials> => {
  const principal = await openApiKey(keyring, key)
  const encryptionKey = principal && keyring.find(principal.kid)
  if (principal === undefined || encryptionKey === undefined) throw new Error('no key of the ring')
  return { ...signingCredentialsOf(encryptionKey, principal.keyId), sessionToken: key }
}

type Pairs = readonly (readonly [string, string])[]

export interface Unsigned {
  readonly host: string
  readonly target: string
  readonly body: string
  readonly at?: number
  readonly region?: string
  readonly more?: Pairs
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** As the documentation of AWS has it, step by step. */
export const signedHeaders = (
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  { host, target, body, at = Date.now(), region = 'eu-west-1', more = [] }: Unsigned
): Pairs => {
  const time = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const headers: Pairs = [
    ['content-type', 'application/x-amz-json-1.1'],
    ['host', host],
    ['x-amz-date', time],
    ['x-amz-security-token', sessionToken],
    ['x-amz-target', target]
  ]
  const names = headers.map(([name]) => name).join(';')
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = `POST\n/\n\n${lines}\n${names}\n${sha256(body)}`
  const scope = `${date}/${region}/secretsmanager/aws4_request`
  const key = [date, region, 'secretsmanager', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${secretAccessKey}`
  )
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`
  const signature = hmac(key, text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return [...headers, ['authorization', authorization], ...more]
}

export interface AwsDoor extends TestApp {
  readonly url: string
  readonly host: string
  readonly credentials: (
    client: string,
    mode?: Mode,
    more?: Partial<KeyRequest>
  ) => Promise<AwsCredentials>
  /** The client of AWS for JavaScript, with the key of that client. */
  readonly sdk: (
    client: string,
    mode?: Mode,
    more?: Partial<KeyRequest>
  ) => Promise<SecretsManagerClient>
  /** Asks the door, signed here. */
  readonly ask: (credentials: AwsCredentials, operation: string, body: unknown) => Promise<Response>
}

/** The listener of the first door of the dialect, on a free port. */
export const listenOnDoor = async ({ app }: TestApp, dialect: string): Promise<number> => {
  const found = app.listeners.find(({ listener }) => listener.label === `Door ${dialect}`)
  if (found === undefined) throw new Error(`there is no door ${dialect}`)
  return listenOn(found.server)
}

export const openAwsDoor = async (t: Test, options: TestAppOptions): Promise<AwsDoor> => {
  const built = await buildTestApp(t, options)
  const port = await listenOnDoor(built, 'aws')
  const host = `127.0.0.1:${port}`
  const url = `http://${host}`
  const credentials: AwsDoor['credentials'] = async (client, mode, more) =>
    credentialsOf(built, (await built.as(client, mode, more)).key)
  return {
    ...built,
    host,
    url,
    credentials,
    sdk: async (client, mode, more) => {
      const made = new SecretsManagerClient({
        endpoint: url,
        region: 'eu-west-1',
        credentials: await credentials(client, mode, more),
        maxAttempts: 1
      })
      t.teardown(() => made.destroy())
      return made
    },
    ask: (given, operation, value) => {
      const body = JSON.stringify(value)
      const target = `secretsmanager.${operation}`
      const headers = signedHeaders(given, { host, target, body })
      return fetch(url, {
        method: 'POST',
        headers: headers.filter(([name]) => name !== 'host').map(([n, v]) => [n, v]),
        body
      })
    }
  }
}
