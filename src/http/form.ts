/**
 * Bodies as forms have them (application/x-www-form-urlencoded), for the routes that say so and no other. Rule: a parameter
 * stands once, and one without a value is none (RFC 6749, 3.2).
 */
import type { FastifyRequest } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import type { BodyParser } from './door.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes a form, and nothing else. */
    takesForm?: true
  }
}

export const takesForm = ({ routeOptions }: FastifyRequest): boolean =>
  routeOptions.config.takesForm === true

/** The media type counts from the moment that a body is read. */
export const parseForm: BodyParser = (request, body) => {
  const isPlain = (request.headers['content-encoding'] ?? 'identity') === 'identity'
  if (!takesForm(request) || !isPlain) throw new ProblemError('unsupported_media_type')
  const given = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString())) {
    if (given.has(name)) {
      throw new ProblemError('invalid_request', { detail: 'a parameter stands twice' })
    }
    given.set(name, value)
  }
  return Object.fromEntries([...given].filter(([, value]) => value !== ''))
}
