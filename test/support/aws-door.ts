/** A service with doors in the dialects of AWS, listening; and requests to them, signed here or by the SDK of AWS. */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { signingCredentialsOf } from '../../src/crypto/sigv4-secret.ts'
import { type KeyRequest, openApiKey } from '../../src/keys/api-key.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from './build-app.ts'
import { listenOn } from './raw-http.ts'
import { type AwsCredentials, signedHeaders } from './sigv4.ts'

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
