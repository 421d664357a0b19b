/**
 * Which request a proxy asks about. Rule: what is told twice, in two ways, or in a spelling that two servers may read
 * differently is denied: the proxy chose the scope by its own reading, and the upstream would act on another.
 */
import { denied } from '../broker/decision.ts'
import { isScope } from '../core/scope.ts'

export interface OriginalRequest {
  /** What the proxy asks for on its path, in full: `aura-services:whatsapp`. */
  readonly scope: string
  /** As the end caller sent it. */
  readonly method: string
}

const METHOD_HEADERS = ['x-original-method', 'x-forwarded-method']
const URI_HEADERS = ['x-original-uri', 'x-forwarded-uri']
/** Some upstreams take these for the method. */
const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override']

// A path of non-empty segments (RFC 3986, 3.3) without `;`, whose parameters are cut off by some servers and not by others.
const PATH = /^(?:\/|(?:\/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+\/?)$/
const QUERY = /^(?:(?!%00)[!"$-~])*$/
const ENCODED = /%([0-9A-Fa-f]{2})/g
/** What needs no encoding (so that `%2e` is a dot in disguise), and what changes a path once somebody decodes it. */
const DISGUISED = /[A-Za-z0-9._~\-/\\;%?#]/

const isHarmless = (hex: string): boolean => {
  const byte = Number.parseInt(hex, 16)
  return byte >= 0x20 && byte !== 0x7f && !DISGUISED.test(String.fromCharCode(byte))
}

/** Whether what is no ASCII becomes a separator or a dot where a server folds characters (fullwidth forms and the like). */
const foldsToAscii = (decoded: string): boolean =>
  /[./\\;%?#]/.test(decoded.replace(/[ -~]/g, '').normalize('NFKC'))

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
  return text !== undefined && !foldsToAscii(text)
}

/** The values of the headers of these names, in their order. Throws if one was given twice. */
const valuesOf = (rawHeaders: readonly string[], names: readonly string[]): string[] => {
  const values = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (!names.includes(name)) continue
    if (values.has(name)) throw denied('told_twice')
    values.set(name, rawHeaders[i + 1] ?? '')
  }
  return [...values.values()]
}

/**
 * `?scope=<scope>`, and after it `&uri=` with all that follows as it is, where a proxy can only put the original path behind
 * ours (Envoy). Since the scope comes first, nothing in the caller's own query can stand for it.
 */
const QUESTION = /^[^?]*\?scope=([^&]+)(?:&uri=(.*))?$/s

/** Throws `access_denied`, with a reason for the record alone. */
export const originalOf = (request: {
  readonly url?: string | undefined
  readonly rawHeaders: readonly string[]
}): OriginalRequest => {
  const { url = '', rawHeaders } = request
  const [, encodedScope = '', behindOurs] = QUESTION.exec(url) ?? []
  const scope = decoded(encodedScope)
  if (scope === undefined || !isScope(scope)) throw denied('no_scope')
  const uris = valuesOf(rawHeaders, URI_HEADERS)
  if (behindOurs !== undefined) uris.push(behindOurs)
  if (!uris.every(isCanonicalUri)) throw denied('ambiguous_uri')
  const [method, ...others] = valuesOf(rawHeaders, METHOD_HEADERS)
  if (new Set(uris).size > 1 || others.some((other) => other !== method)) {
    throw denied('contradiction')
  }
  if (valuesOf(rawHeaders, OVERRIDES).length > 0) throw denied('method_override')
  if (method === undefined) throw denied('no_method')
  return { scope, method }
}
