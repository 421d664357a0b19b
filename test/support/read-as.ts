/** Reads of one client, as it would ask. */
import type { TestApp } from './build-app.ts'
import { issueKey } from './keys.ts'

export interface Answer {
  readonly status: number
  readonly value: unknown
  readonly code: unknown
  readonly body: string
}

/** A function that reads a reference with a key of the client. */
export const readAs = async ({ app, keyring }: TestApp, client = 'app') => {
  const authorization = `Bearer ${await issueKey(keyring, client)}`
  return async (ref: string): Promise<Answer> => {
    const url = `/v1/secrets?ref=${encodeURIComponent(ref)}`
    const { statusCode: status, body } = await app.server.inject({
      url,
      headers: { authorization }
    })
    const { value, code } = JSON.parse(body)
    return { status, value, code, body }
  }
}
