/**
 * How names are written in references and in policies: literally, or as the percent-escapes of their UTF-8 (RFC 3986,
 * 2.1). Rule: a text is decoded once, here, and whatever it was written like it has one canonical spelling; names are
 * compared character by character and never normalized, so that no two secrets of a store become one.
 */

/**
 * What Go calls printable, as Vault asks of a path (unicode.IsPrint): no control, no format character, no space but the
 * one.
 */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u
/** Nearly all names consist of these, and are tested ten times as fast. */
const PRINTABLE_ASCII = /^[ -~]*$/
export const isPrintable = (text: string): boolean =>
  PRINTABLE_ASCII.test(text) || PRINTABLE.test(text)

/** What separates parts, begins an escape, or others take for a slash. */
const SEPARATORS = /[%?#\\]/
/** These, and the signs of patterns too: a path that is written here reads the same in a policy. */
const SIGNS_OF_PATHS = /[%?#\\*{},[\]]/

/** As a sentence for whoever wrote it otherwise. */
export const ESCAPE_RULE =
  '% ? # * { } , [ ] \\ and spaces at an end are written as percent-escapes (%25 is %), a slash is not'

/** A slash is always a separator, and so never an escape. Undefined for what is no escaped UTF-8. */
const decode = (text: string): string | undefined => {
  if (!text.includes('%')) return text
  if (/%2f/i.test(text)) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const hasEndsOfItsOwn = (text: string): boolean => !text.startsWith(' ') && !text.endsWith(' ')

const decodeWithout = (signs: RegExp, text: string): string | undefined => {
  const literal = text.includes('%') ? text.replace(/%[0-9A-Fa-f]{2}/g, '') : text
  if (signs.test(literal)) return undefined
  const decoded = decode(text)
  return decoded !== undefined && isPrintable(decoded) ? decoded : undefined
}

/**
 * One literal piece of a pattern over paths. Undefined, as in the functions below, for what has to be written
 * otherwise.
 */
export const decodeLiteral = (text: string): string | undefined =>
  decodeWithout(SIGNS_OF_PATHS, text)

/** A path as it is written, as the store's own name. */
export const decodePath = (text: string): string | undefined =>
  hasEndsOfItsOwn(text) ? decodeLiteral(text) : undefined

/** The path of a URL, which stands in no policy. */
export const decodeUrlPath = (text: string): string | undefined =>
  hasEndsOfItsOwn(text) ? decodeWithout(SEPARATORS, text) : undefined

/** The path characters of RFC 3986 (pchar and the slash) but for the two that are signs of patterns: `*` and `,`. */
const ESCAPED = /[^A-Za-z0-9\-._~!$&'()+;=:@/]+/gu
const SPELT_LITERALLY = /^[A-Za-z0-9\-._~!$&'()+;=:@/]*$/

/** The canonical spelling of a path or a field. No reference has half a pair of surrogates, which no text can carry. */
export const encodeText = (text: string): string =>
  SPELT_LITERALLY.test(text)
    ? text
    : text
        .replace(/\p{Cs}/gu, '\ufffd')
        .replace(ESCAPED, (run) => encodeURIComponent(run).replaceAll('*', '%2A'))

const FIELD_MAX = 1_024

/** A member may have any name that keeps a line of the record one line. */
const isFieldText = (text: string): boolean =>
  text !== '' &&
  text.length <= FIELD_MAX &&
  (PRINTABLE_ASCII.test(text) || !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text))

export const FIELD_RULE =
  'a field is a name, or after a slash a JSON pointer (~0 is ~, ~1 is /), of up to 1,024 characters; % ? # and spaces at an end are written as percent-escapes'

/**
 * The field at the end of these steps, by its one name: a member of the secret's object by its own, and only where that
 * would read as a pointer, and for what stands deeper, a JSON pointer (RFC 6901).
 */
const fieldOf = (steps: readonly string[]): string => {
  const [first = ''] = steps
  if (steps.length === 1 && first !== '' && !first.startsWith('/')) return first
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The steps into the secret's object, from the name that `parseField` gave. */
export const stepsOf = (field: string): readonly string[] =>
  field.startsWith('/')
    ? field
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [field]

/** The field's one name, which policy compares. Undefined for what is no field, or has to be written otherwise. */
export const parseField = (text: string): string | undefined => {
  if (/[?#\\]/.test(text) || !hasEndsOfItsOwn(text) || !isPrintable(text)) return undefined
  const decoded = decode(text)
  if (decoded === undefined || !isFieldText(decoded)) return undefined
  if (!decoded.startsWith('/')) return decoded
  return /~(?![01])/.test(decoded) ? undefined : fieldOf(stepsOf(decoded))
}
