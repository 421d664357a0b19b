/** Which records are asked for. Rule: what a record says decides; a look at the bytes before only spares parsing. */
import { decodePath, parseField } from '../core/reference-text.ts'
import type { AuditRecord } from './shown-record.ts'

export interface AskedSecret {
  readonly store: string
  readonly path: string
  readonly field?: string
}

export interface RecordFilter {
  readonly client?: string | undefined
  readonly keyId?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: string | undefined
  /** Canonical. Without version or field, those of any. */
  readonly reference?: string | undefined
  readonly isMatching?: ((secret: AskedSecret) => boolean) | undefined
  /** ISO 8601 in UTC with milliseconds, both inclusive. */
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** From the canonical spelling of a reference, in which no `?` and `#` stand for themselves. */
export const askedSecret = (reference: string): AskedSecret | undefined => {
  const [, store, written, fieldText] =
    /^([^:]+):([^?#]+)(?:\?[^#]*)?(?:#(.*))?$/.exec(reference) ?? []
  const path = written && decodePath(written)
  if (store === undefined || path === undefined) return undefined
  const field = fieldText === undefined ? undefined : parseField(fieldText)
  return { store, path, ...(field !== undefined && { field }) }
}

/** `aws:a` is also asked for by `aws:a?version=1#b`, and `aws:a?version=1` by that, but not by `aws:ab`. */
const isWithin = (reference: string, asked: string): boolean =>
  reference.startsWith(asked) && ['', '?', '#'].includes(reference.charAt(asked.length))

/** Without a version, what is asked for covers all of them; a field may stand behind either. */
const isAskedFor = (reference: string, asked: string): boolean => {
  if (isWithin(reference, asked)) return true
  const [head = '', field] = asked.split('#')
  if (field === undefined || head.includes('?')) return false
  return isWithin(reference, head) && reference.endsWith(`#${field}`)
}

const EQUAL = ['client', 'keyId', 'action', 'outcome'] as const

/** Whatever the times of the filter: `search.ts` looks at them first. */
export const matches = (filter: RecordFilter, record: AuditRecord): boolean => {
  for (const name of EQUAL) {
    if (filter[name] !== undefined && filter[name] !== record[name]) return false
  }
  const { reference: asked, isMatching } = filter
  const { reference } = record
  if (asked === undefined && isMatching === undefined) return true
  if (reference === undefined) return false
  if (asked !== undefined && !isAskedFor(reference, asked)) return false
  if (isMatching === undefined) return true
  const secret = askedSecret(reference)
  return secret !== undefined && isMatching(secret)
}

/** Nothing in such a text is escaped where a line is written. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** Bytes that stand in every line that matches, of the member that is likely to be rarest. */
export const needleOf = (filter: RecordFilter): Buffer | undefined => {
  const { keyId, reference, client, action, outcome } = filter
  const head = reference?.split('#')[0]
  const candidates = [
    keyId && `"keyId":"${keyId}"`,
    head && `"reference":"${head}`,
    client && `"client":"${client}"`,
    outcome && outcome !== 'allowed' && `"outcome":"${outcome}"`,
    action && `"action":"${action}"`,
    outcome && `"outcome":"${outcome}"`
  ]
  const texts = [keyId, head, client, outcome, action, outcome]
  const at = candidates.findIndex((one, i) => one && PLAIN.test(texts[i] ?? ''))
  const found = candidates[at]
  return found ? Buffer.from(found) : undefined
}
