/**
 * The cookie of administrators' sessions (RFC 6265bis). Rule: one name, of which a browser keeps one cookie for this very
 * host; a request that has it twice is refused, since a proxy and we might look at different ones.
 */
import { type Found, onlyOne } from './credentials.ts'

export interface CookieSettings {
  /** False in dev alone. */
  readonly secure: boolean
  readonly sameSite: 'strict' | 'lax' | 'none'
}

/** A browser drops a cookie with this prefix that is not Secure. */
const nameOf = (name: string, { secure }: CookieSettings): string =>
  secure ? `__Host-${name}` : name

export interface Cookie {
  readonly name: string
  /** The cookie's value. */
  readonly valueIn: (rawHeaders: readonly string[]) => Found
  /** A value of Set-Cookie. `value` has nothing that had to be escaped. */
  readonly set: (value: string, maxAgeSeconds: number) => string
  readonly clear: string
}

const BLANKS = ' \t'

/** In one pass: an expression that trims at the end tries each blank of a long header anew. */
const trimmed = (text: string): string => {
  let begin = 0
  let end = text.length
  while (begin < end && BLANKS.includes(text.charAt(begin))) begin++
  while (end > begin && BLANKS.includes(text.charAt(end - 1))) end--
  return text.slice(begin, end)
}

/** The values of this name, in the order in which they stand there. */
const valuesIn = (header: string, name: string): readonly string[] =>
  header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at >= 0 && trimmed(pair.slice(0, at)) === name ? [trimmed(pair.slice(at + 1))] : []
  })

export const createCookie = (baseName: string, settings: CookieSettings): Cookie => {
  const name = nameOf(baseName, settings)
  const sameSite = { strict: 'Strict', lax: 'Lax', none: 'None' }[settings.sameSite]
  const attributes = `Path=/; HttpOnly; SameSite=${sameSite}${settings.secure ? '; Secure' : ''}`
  return {
    name,
    valueIn: (rawHeaders) => {
      let value: string | undefined
      for (let i = 0; i < rawHeaders.length; i += 2) {
        if (rawHeaders[i]?.toLowerCase() !== 'cookie') continue
        for (const given of valuesIn(rawHeaders[i + 1] ?? '', name)) {
          if (value !== undefined) return onlyOne('cookie')
          value = given
        }
      }
      return value || undefined
    },
    set: (value, maxAgeSeconds) =>
      `${name}=${value}; Max-Age=${Math.max(0, maxAgeSeconds)}; ${attributes}`,
    clear: `${name}=; Max-Age=0; ${attributes}`
  }
}
