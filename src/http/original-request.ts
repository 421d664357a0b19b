/**
 * Which request a proxy asks about. Rule: a request that is told twice, in two ways, or in a spelling that two servers
 * may read differently is denied: the proxy has chosen the scope by its own reading, and the upstream might act on
 * another.
 */

import { denied } from '../core/problem.ts'
import { isScope } from '../core/scope.ts'

export interface OriginalRequest {
  /** The scopes that the proxy asks for, in full, such as `aura-services:whatsapp`; the key needs one of them. */
  readonly scopes: readonly string[]
  /** As the end caller sent it. */
  readonly method: string
}

const METHOD_HEADERS = ['x-original-method', 'x-forwarded-method']
const URI_HEADERS = ['x-original-uri', 'x-forwarded-uri']
/** ingress-nginx tells the URL in this one; elsewhere some upstreams take it for the path (Zend, IIS' URL Rewrite). */
const URL_HEADERS = ['x-original-url']
/** Some upstreams take these for the method. */
const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override']
/** And these for the path, or for a part of it. */
const PATH_OVERRIDES = [
  'x-rewrite-url',
  'x-override-url',
  'x-original-path',
  'x-envoy-original-path',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-script-name'
]
const READ: ReadonlySet<string> = new Set([
  ...METHOD_HEADERS,
  ...URI_HEADERS,
  ...URL_HEADERS,
  ...METHOD_OVERRIDES,
  ...PATH_OVERRIDES
])
const SCOPES_MAX = 8

// A path of non-empty segments (RFC 3986, 3.3) without `;`, whose parameters are cut off by some servers and not by
// others.
const PATH = /^(?:\/|(?:\/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+\/?)$/
const QUERY = /^(?:(?!%00)[!"$-~])*$/
const ENCODED = /%([0-9A-Fa-f]{2})/g
/** What needs no encoding (so that `%2e` is a dot in disguise), and what changes a path once somebody decodes it. */
const DISGUISED = /[A-Za-z0-9._~\-/\\;%?#]/

const isHarmless = (hex: string): boolean => {
  const byte = Number.parseInt(hex, 16)
  return byte >= 0x20 && byte !== 0x7f && !DISGUISED.test(String.fromCharCode(byte))
}

/**
 * Whether a change of case makes ASCII letters of these, as in servers that compare paths in one case: `\u0131` and
 * `\u0130` become an i, `\u00df` and `\u1e9e` two s.
 */
const becomesAscii = (others: string): boolean => {
  const small = others.toLowerCase()
  return /[ -~]/.test(small + small.toUpperCase())
}

/**
 * Whether every character that is no ASCII stays what it is. Signs and punctuation may become a separator or a dot
 * where a server folds characters (NFKC, IDNA, the best fit of Windows: `\u2215`, `\u3002`, `\u20e5`), what is not seen
 * may vanish, and some letters become those of ASCII in another case.
 */
const staysAsItIs = (decoded: string): boolean =>
  /^(?:[ -~]|(?![\u0334-\u0338\u20d0-\u20ff]|\p{Default_Ignorable_Code_Point})[\p{L}\p{Mn}\p{Mc}\p{N}])*$/u.test(
    decoded
  ) &&
  decoded.normalize('NFKC') === decoded &&
  !becomesAscii(decoded.replace(/[ -~]+/g, ''))

const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    // Not UTF-8, or an overlong form of it.
    return undefined
  }
}

/** Whether path and query have one reading only, and no server would make another path of it. */
export const isCanonicalUri = (uri: string): boolean => {
  const question = uri.indexOf('?')
  const path = question < 0 ? uri : uri.slice(0, question)
  if (!PATH.test(path) || !QUERY.test(uri.slice(path.length))) return false
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return false
  if (![...path.matchAll(ENCODED)].every(([, hex = '']) => isHarmless(hex))) return false
  const text = decoded(path)
  return text !== undefined && staysAsItIs(text)
}

/**
 * The headers that are read here, by name. Throws if one was given twice, also as `X_Original_URI`, which CGI takes for
 * it.
 */
const headersIn = (rawHeaders: readonly string[]): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const written = rawHeaders[i]?.toLowerCase() ?? ''
    const name = written.replaceAll('_', '-')
    if (!READ.has(name)) continue
    if (found.has(name) || name !== written) throw denied('told_twice')
    found.set(name, rawHeaders[i + 1] ?? '')
  }
  return found
}

/** The path and query of an absolute URL; a path as it is. */
const uriOfUrl = (url: string): string => url.replace(/^https?:\/\/[A-Za-z0-9.:[\]-]+(?=\/)/i, '')

/**
 * `?scope=<scope>`, or several with commas or as further `&scope=`, and after them `&uri=` with all that follows as it
 * is, where a proxy can only put the original path behind ours (Envoy). Since scopes come first, nothing in the
 * caller's own query can stand for one.
 */
const QUESTION = /^[^?]*\?scope=([^&]+(?:&scope=[^&]+)*)(?:&uri=(.*))?$/s

const scopesIn = (encoded: string): string[] => {
  const scopes = encoded.split('&scope=').flatMap((list) => decoded(list)?.split(',') ?? [''])
  if (scopes.length > SCOPES_MAX || !scopes.every(isScope)) throw denied('no_scope')
  return scopes
}

/** Throws `access_denied`, with a reason for the record alone. */
export const originalOf = (request: {
  readonly url?: string | undefined
  readonly rawHeaders: readonly string[]
}): OriginalRequest => {
  const [, encodedScopes = '', behindOurs] = QUESTION.exec(request.url ?? '') ?? []
  const scopes = scopesIn(encodedScopes)
  const headers = headersIn(request.rawHeaders)
  const told = (names: readonly string[]): string[] =>
    names.flatMap((name) => headers.get(name) ?? [])
  const urls = told(URL_HEADERS).map(uriOfUrl)
  const uris = told(URI_HEADERS)
  if (behindOurs !== undefined) uris.push(behindOurs)
  // A second source beside the proxy's own may be the caller's word.
  if (told(PATH_OVERRIDES).length > 0 || (urls.length > 0 && uris.length > 0)) {
    throw denied('path_override')
  }
  if (![...uris, ...urls].every(isCanonicalUri)) throw denied('ambiguous_uri')
  const [method, ...others] = told(METHOD_HEADERS)
  if (new Set(uris).size > 1 || others.some((other) => other !== method)) {
    throw denied('contradiction')
  }
  if (told(METHOD_OVERRIDES).length > 0) throw denied('method_override')
  if (method === undefined) throw denied('no_method')
  return { scopes, method }
}
