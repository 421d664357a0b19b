/** What is asked of the KV engine: where, and with which parameters. Rule: a number is one as it stands, or the request is none. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Mount } from '../../config/door-entries.ts'
import { ProblemError } from '../../core/problem.ts'
import { bridgedMethod } from '../../http/bridge.ts'

export type Mounts = ReadonlyMap<string, Mount>

/** Vault takes no notice of what it does not know. */
const One = Type.Optional(Type.String())
export const Query = Type.Object(
  { version: One, list: One, after: One, limit: One },
  { additionalProperties: true }
)
export const Path = Type.Object({ mount: Type.String(), '*': Type.Optional(Type.String()) })

export type KvRequest = FastifyRequest<{
  Params: { mount: string; '*'?: string }
  Querystring: { version?: string; list?: string; after?: string; limit?: string }
}>

export const pathOf = ({ params }: KvRequest): string => params['*'] ?? ''

/** Throws `invalid_request`. */
export const whole = (text: string | undefined, name: string): number | undefined => {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) {
    throw new ProblemError('invalid_request', { detail: `${name} is no whole number` })
  }
  return Number(text)
}

/** As Go reads a boolean. */
const isTrue = (text: string | undefined): boolean => /^(?:1|t|T|true|TRUE|True)$/.test(text ?? '')

export const wantsList = ({ raw, query }: KvRequest): boolean =>
  bridgedMethod(raw) === 'LIST' || isTrue(query.list)
