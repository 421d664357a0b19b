/** Which routes may give a secret away, as they declare it themselves. */
import type { RouteOptions } from 'fastify'

/** What may have a value, or something as good as one, in an answer. */
const TELLING_MEMBERS = [
  'value',
  'data',
  'credentials',
  'token',
  'apiKey',
  'access_token',
  'SecretAccessKey'
]

const hasTellingMember = (schema: unknown): boolean => {
  if (typeof schema !== 'object' || schema === null) return false
  const properties = (schema as { properties?: object }).properties ?? {}
  return (
    TELLING_MEMBERS.some((name) => name in properties) ||
    Object.values(schema).some(hasTellingMember)
  )
}

export const mayTell = ({ config, schema }: Pick<RouteOptions, 'config' | 'schema'>): boolean => {
  const auth = config?.auth
  if (auth === undefined || auth.kind === 'internal' || auth.kind === 'proxied') return true
  return (auth.kind === 'key' && auth.discloses === true) || hasTellingMember(schema?.response)
}
