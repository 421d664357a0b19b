/** Asking a service for bots, in the tests of them. */
import type { LightMyRequestResponse } from 'fastify'
import type { KeyRequest } from '../../src/keys/api-key.ts'
import type { TestApp } from './build-app.ts'
import { issueKey } from './keys.ts'

export const asBots = { scopes: ['aura-services:bots'] } satisfies Partial<KeyRequest>
export const asAdmin = { scopes: ['aura-admin'] } satisfies Partial<KeyRequest>

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

export interface Client {
  readonly ask: (method: Method, url: string, payload?: object) => Promise<LightMyRequestResponse>
}

export const clientOf = async (
  app: TestApp,
  ...[client, mode, more]: [string, 'r' | 'w' | 'rw', Partial<KeyRequest>?]
): Promise<Client> => {
  const key = await issueKey(app.keyring, client, mode, more)
  const headers = { 'x-api-key': key, 'x-request-id': 'same' }
  return {
    ask: (method, url, payload) =>
      app.app.server.inject({ method, url, headers, ...(payload && { payload }) })
  }
}
