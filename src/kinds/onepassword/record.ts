/**
 * An item as a record: an object of its fields by their labels. Rule: a name leads to one field or to none, never to
 * the first of several; and what stands in a section goes by `section.label` as well, which is how the vendor's
 * references name it.
 */
import { ProviderFault } from '../../core/fault.ts'
import { type SecretRecord, Sensitive, type Tags } from '../../core/secret.ts'
import type { Field, Item } from './answer.ts'

/** The built-in fields by their usual labels, whatever the language of the app that made them. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['USERNAME', 'username'],
  ['PASSWORD', 'password'],
  ['NOTES', 'notesPlain']
])

const labelOf = ({ label, id }: Field): string => label || id

/**
 * The label of the section that the field stands in, or its id where it has none; undefined for what stands in none.
 */
const sectionOf = ({ section }: Field, { sections }: Item): string | undefined => {
  if (section === undefined) return undefined
  const known = (sections ?? []).find(({ id }) => id === section.id)
  return known?.label || section.label || section.id || undefined
}

/** Adds the field to those that go by the name. */
const claim = (claims: Map<string, Set<Field>>, name: string, field: Field): void => {
  claims.set(name, (claims.get(name) ?? new Set()).add(field))
}

/**
 * Who goes by which name. A label goes to the only field that has it, or to the only one outside of sections; what has
 * no name of its own then goes by its id.
 */
const claimsOf = (item: Item): Map<string, Set<Field>> => {
  const fields = item.fields ?? []
  const claims = new Map<string, Set<Field>>()
  const labels = new Map<string, number>()
  for (const field of fields) labels.set(labelOf(field), (labels.get(labelOf(field)) ?? 0) + 1)
  for (const field of fields) {
    const section = sectionOf(field, item)
    const label = labelOf(field)
    if (section === undefined || labels.get(label) === 1) claim(claims, label, field)
    if (section !== undefined) claim(claims, `${section}.${label}`, field)
  }
  for (const field of fields) {
    const name = PURPOSES.get(field.purpose ?? '')
    if (name !== undefined && !claims.has(name) && !labels.has(name)) claim(claims, name, field)
  }
  return claims
}

/** Throws ProviderFault `misconfigured` for an item with a field that no name can tell from the others. */
const textOf = (item: Item): string => {
  const claims = claimsOf(item)
  const named = new Map<string, string>()
  const nameless = new Set(item.fields ?? [])
  for (const [name, claimants] of claims) {
    const [field, ...others] = claimants
    if (field === undefined || others.length > 0) continue
    named.set(name, field.value ?? '')
    nameless.delete(field)
  }
  for (const { id, value = '' } of nameless) {
    if (claims.has(id) || named.has(id)) {
      throw new ProviderFault('misconfigured', { code: 'ambiguous_field' })
    }
    named.set(id, value)
  }
  return JSON.stringify(Object.fromEntries(named))
}

/** A tag is a word, or a name and a value with an equals sign; a name with two values has none. */
const tagsOf = ({ tags }: Item): Tags => {
  const values = new Map<string, Set<string>>()
  for (const tag of tags ?? []) {
    const [, name = tag, value = 'true'] = /^([^=]+)=(.*)$/s.exec(tag) ?? []
    values.set(name, (values.get(name) ?? new Set()).add(value))
  }
  return new Map(
    [...values].flatMap(([name, [value, ...others]]) =>
      value === undefined || others.length > 0 ? [] : [[name, value] as const]
    )
  )
}

/** Connect has the present version of an item alone: another one that is asked for is not found. */
export const toRecord = (item: Item, askedFor?: string): SecretRecord => {
  const version = String(item.version)
  if (askedFor !== undefined && askedFor !== version) {
    throw new ProviderFault('not_found', { code: 'no_such_version' })
  }
  return { text: new Sensitive(textOf(item)), version, tags: tagsOf(item) }
}
