/**
 * The alphabets of references: what a store name, a version and a path may look like, of which each kind of store has
 * its own. Rule: what could be spelt in two ways is brought to one spelling or refused here, because policy is matched
 * on the path; and no refusal repeats anything of what was written.
 */
import { ProblemError } from './problem.ts'
import { ESCAPE_RULE, isPrintable } from './reference-text.ts'

/** No store may have a name with which a written form begins: `Grammar.isStoreName` says which those are. */
export const STORE_NAME = /^[a-z][a-z0-9-]{0,62}$/

/** A key of `secrets:`; without colon or slash, so that no other form looks like it. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
export const isSecretName = (text: string): boolean => SECRET_NAME.test(text)

/** The union of what the kinds allow: what stands elsewhere in a path leads to no store of any kind. */
const isPathText = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= 1_024 && isPrintable(text)

/** `form` names the written form with its article; `rule` says in our words what it has to be like. */
export const malformed = (form: string, rule: string): ProblemError =>
  new ProblemError('invalid_reference', { detail: `The reference was read as ${form}: ${rule}.` })

export interface Alphabet {
  readonly accepts: (text: string) => boolean
  /** What `accepts` asks for, as a sentence for whoever wrote it otherwise. */
  readonly rule: string
  /**
   * For a peer to which several spellings are the same: the one spelling that is used here, and a sentence that
   * describes it.
   */
  readonly spelling?: { readonly of: (text: string) => string; readonly rule: string }
}

export const matching = (pattern: RegExp, rule: string): Alphabet => ({
  accepts: (text) => pattern.test(text),
  rule
})

export const SEGMENT_RULE = `segments between single slashes are printable, not empty, not . or ..; ${ESCAPE_RULE}`

/** Paths that a peer may take apart at its slashes; so nothing that a URL would fold away. */
export const segments = (atLeast: number, rule: string): Alphabet => ({
  accepts: (text) => {
    const parts = text.split('/')
    return (
      isPathText(text) &&
      parts.length >= atLeast &&
      parts.every((part) => part !== '' && part !== '.' && part !== '..')
    )
  },
  rule
})

/** What any version looks like. */
export const ANY_VERSION = matching(
  /^[A-Za-z0-9_.-]{1,128}$/,
  'a version has up to 128 letters, digits and _ . -'
)

/** What a path and a version of one kind of store may look like. */
export interface Alphabets {
  readonly paths: Alphabet
  readonly versions: Alphabet
  /** What its peer calls the newest version; the same as giving none. */
  readonly latest?: string
}

const accepted = (form: string, alphabet: Alphabet, written: string): string => {
  const text = alphabet.spelling?.of(written) ?? written
  if (!alphabet.accepts(text)) throw malformed(form, alphabet.rule)
  return text
}

/**
 * The one name of a path that was decoded before. Where no store is known there is no alphabet: only what no kind
 * allows is refused then.
 */
export const canonicalPath = (
  form: string,
  alphabet: Alphabet | undefined,
  path: string
): string => {
  if (!isPathText(path)) {
    throw malformed(form, `a path is printable and has up to 1,024 bytes; ${ESCAPE_RULE}`)
  }
  return alphabet === undefined ? path : accepted(form, alphabet, path)
}

/** The one spelling of a version: empty for the newest, however the peer calls it. */
export const canonicalVersion = (
  form: string,
  kind: Pick<Alphabets, 'versions' | 'latest'> | undefined,
  version: string
): string => {
  accepted(form, ANY_VERSION, version)
  if (kind === undefined) return version
  return version === kind.latest ? '' : accepted(form, kind.versions, version)
}
