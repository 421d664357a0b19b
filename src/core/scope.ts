/**
 * What an API key may be used for: scopes and mode. Rule: a scope covers itself and what stands below it, compared
 * segment by segment, never letter by letter; a method that is not known needs a right that no key has.
 */
import type { Mode } from './principal.ts'

/** One to eight segments with colons between them: `aura-services:token`. */
export const SCOPE = '^[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*){0,7}$'
export const SCOPE_LENGTH_MAX = 128

const pattern = new RegExp(SCOPE)

export const isScope = (text: string): boolean =>
  text.length <= SCOPE_LENGTH_MAX && pattern.test(text)

/** `aura-services` covers `aura-services:token`; `aura-services:token` does not cover `aura-services:token-admin`. */
export const covers = (granted: string, needed: string): boolean =>
  (needed === granted || needed.startsWith(`${granted}:`)) && isScope(needed)

export const hasScope = (scopes: readonly string[], needed: string): boolean =>
  scopes.some((granted) => covers(granted, needed))

const NEEDS: ReadonlyMap<string, 'r' | 'w'> = new Map([
  ['GET', 'r'],
  ['HEAD', 'r'],
  ['OPTIONS', 'r'],
  ['POST', 'w'],
  ['PUT', 'w'],
  ['PATCH', 'w'],
  ['DELETE', 'w']
])

/** What the HTTP method needs (in upper case, as it stands in the request); undefined: what no key has. */
export const modeFor = (method: string): 'r' | 'w' | undefined => NEEDS.get(method)

/** Whether a key of the mode may use the HTTP method. */
export const modeAllows = (mode: Mode, method: string): boolean => {
  const needed = modeFor(method)
  return needed !== undefined && mode.includes(needed)
}
