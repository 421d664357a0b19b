/**
 * What a Connect server says: vaults, items and errors. Rule: pure, and strict about shape; a 404 counts only in
 * Connect's own words, and of what it says of an error only the status goes on.
 * https://developer.1password.com/docs/connect/api-reference/
 */
import { type Static, type TSchema, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { fits } from '../../core/fits.ts'
import { asJson } from '../../core/json.ts'
import { reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'
import type { HttpAnswer } from '../shared/http-transport.ts'

/**
 * Vaults and items alike. The vendor's clients take whatever looks like one for one, and so no name that does is found
 * by name.
 */
const ID = /^[a-z0-9]{26}$/
export const isId = (text: string): boolean => ID.test(text)

const Id = Type.String({ pattern: ID.source })
/** Go leaves out what is empty, or writes null for a list. */
const OptionalText = Type.Optional(Type.String())
const listOf = <S extends TSchema>(schema: S) =>
  Type.Optional(Type.Union([Type.Array(schema), Type.Null()]))

const Vault = Type.Object({ id: Id, name: OptionalText })
export type Vault = Static<typeof Vault>

const entry = {
  id: Id,
  title: OptionalText,
  vault: Type.Object({ id: Id }),
  /** ARCHIVED or DELETED; absent otherwise. */
  state: OptionalText,
  /** What older servers say instead. */
  trashed: Type.Optional(Type.Boolean())
}
const ItemOverview = Type.Object(entry)
/** An item without its fields. */
export type ItemOverview = Static<typeof ItemOverview>

const Field = Type.Object({
  id: Type.String({ minLength: 1 }),
  label: OptionalText,
  purpose: OptionalText,
  value: OptionalText,
  section: Type.Optional(Type.Object({ id: OptionalText, label: OptionalText }))
})
export type Field = Static<typeof Field>

const Item = Type.Object({
  ...entry,
  version: Type.Integer({ minimum: 0 }),
  tags: listOf(Type.String()),
  sections: listOf(Type.Object({ id: OptionalText, label: OptionalText })),
  fields: listOf(Field)
})
export type Item = Static<typeof Item>

const Vaults = Type.Array(Vault)
const Entries = Type.Array(ItemOverview)
const Refusal = Type.Object({ status: Type.Integer(), message: Type.String() })

const invalid = (code?: string): ProviderFault => new ProviderFault('invalid_answer', { code })

const parse = <S extends TSchema>(schema: S, text: string): Static<S> => {
  const answer = asJson(text)
  if (!fits(schema, answer)) throw invalid()
  return answer
}

/** Throws ProviderFault `invalid_answer`, as do all of these. */
export const parseVaults = (text: string): readonly Vault[] => parse(Vaults, text)

const isGone = ({ state, trashed }: ItemOverview): boolean => Boolean(state) || trashed === true

/** What stands in the vault, without what was archived or deleted. */
export const parseOverviews = (text: string, vault: string): readonly ItemOverview[] => {
  const entries = parse(Entries, text)
  if (entries.some((item) => item.vault.id !== vault)) throw invalid('another_vault')
  return entries.filter((item) => !isGone(item))
}

/** The item that was asked for. Throws `not_found` for one that was archived or deleted. */
export const parseItem = (text: string, vault: string, id: string): Item => {
  const item = parse(Item, text)
  if (item.id !== id || item.vault.id !== vault) throw invalid('another_item')
  if (isGone(item)) throw new ProviderFault('not_found', { code: 'archived' })
  return item
}

/** The fault behind an answer that is not 200. `now` in milliseconds since the epoch. */
export const faultOfAnswer = (
  { status, text, retryAfter }: HttpAnswer,
  now: number
): ProviderFault => {
  const said = asJson(text)
  const isOwn = fits(Refusal, said) && said.status === status
  if (status === 404 && isOwn) return new ProviderFault('not_found', { status })
  // An id or a filter that it cannot read is ours.
  if (status === 400 && isOwn) return new ProviderFault('misconfigured', { status })
  return new ProviderFault(reasonOfStatus(status), {
    status,
    retryAfterSeconds: retryAfterSeconds(retryAfter, now)
  })
}
