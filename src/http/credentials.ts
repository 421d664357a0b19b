/**
 * Finds the credential in a request's headers. Rule: exactly one, given once; a proxy and we must never look at
 * different ones.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ProblemError } from '../core/problem.ts'

// All that follows the scheme is the key: a key with a space in it is a wrong key, not a missing one.
const SCHEME = /^(?:Bearer|ApiKey) +(.+)$/i

/** The key in a body, by one of its two names. Throws `invalid_request`. */
export const keyInBody = (body: { readonly apiKey?: string; readonly key?: string }): string => {
  const [text, another] = [body.apiKey, body.key].filter((given) => given !== undefined)
  if (text !== undefined && another === undefined) return text
  const rule = text === undefined ? 'required' : 'single'
  throw new ProblemError('invalid_request', { errors: [{ pointer: '/body/apiKey', rule }] })
}

/** The fault of a request with a credential too many. */
export const onlyOne = (pointer: string): ProblemError =>
  new ProblemError('conflicting_credentials', {
    detail: 'give one credential, once',
    errors: [{ pointer: `/headers/${pointer}`, rule: 'single' }]
  })

/** Headers, in lower case, in which an API key may stand, and how it stands there. */
export type KeyHeaders = ReadonlyMap<string, (value: string) => string | undefined>

/** The text of a credential, undefined if there is none, or `conflicting_credentials` where there are two. */
export type Found = string | ProblemError | undefined

/** The API key's text. */
export type KeyFinder = (rawHeaders: readonly string[]) => Found

/** Looks at the raw headers: of two Authorization headers Node keeps the first without a word. */
export const createKeyFinder =
  (places: KeyHeaders): KeyFinder =>
  (rawHeaders) => {
    let read: ((value: string) => string | undefined) | undefined
    let value = ''
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const header = rawHeaders[i]?.toLowerCase() ?? ''
      const place = places.get(header)
      if (place === undefined) continue
      if (read !== undefined) return onlyOne(header)
      read = place
      value = rawHeaders[i + 1] ?? ''
    }
    return read?.(value)
  }

export const apiKeyIn = createKeyFinder(
  new Map([
    ['authorization', (value) => SCHEME.exec(value)?.[1]],
    ['x-api-key', (value) => value || undefined]
  ])
)

/** A token that is no API key. */
export const bearerIn = createKeyFinder(
  new Map([['authorization', (value) => /^Bearer +(.+)$/i.exec(value)?.[1]]])
)

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares in constant time with all accepted secrets, without stopping at the first that fits. */
export const createSecretCheck = (accepted: readonly string[]): ((given: string) => boolean) => {
  const digests = accepted.map(digest)
  return (given) => {
    const presented = digest(given)
    return digests.map((known) => timingSafeEqual(known, presented)).includes(true)
  }
}

/** The X-Internal-Secret, of which Node would join two. */
export const internalSecretIn = (rawHeaders: readonly string[]): Found => {
  let value: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'x-internal-secret') continue
    if (value !== undefined) return onlyOne('x-internal-secret')
    value = rawHeaders[i + 1] ?? ''
  }
  return value
}
