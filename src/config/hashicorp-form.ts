/**
 * The entries of HASHICORP_VAULT_CONFIG, in the form of Apono's connector: a Vault, or where its definition is kept, of
 * which each kind of store says its own. Rule: members of Apono's form have Apono's names; what that form has no name
 * for is called as in `purser.yaml`.
 */
import { type Static, Type } from 'typebox'
import { catalog } from '../kinds/catalog.ts'
import type { DefinitionSource, Kind } from '../kinds/kind.ts'

const strict = { additionalProperties: false }
const Text = Type.String({ minLength: 1 })
/** As in `purser.yaml`; checked with the settings of the kind. */
const Passed = Type.Optional(Type.Unknown())

/** A Vault, in an entry or in the secret that an entry names. Apono writes its flag as a text. */
const definition = {
  address: Text,
  token: Text,
  ca_cert_base64: Type.Optional(Text),
  skip_verify: Type.Optional(
    Type.Unsafe<boolean | 'true' | 'false'>({ enum: [true, false, 'true', 'false'] })
  ),
  namespace: Type.Optional(Text),
  insecure: Passed
}
export const Definition = Type.Object(definition, strict)

/** Apono names no store, and says the engine elsewhere. */
const own = { store: Type.Optional(Type.String()), mounts: Passed }

export const Literal = Type.Object({ ...definition, ...own }, strict)
export type Literal = Static<typeof Literal>

const sources = catalog.flatMap(({ kind, definitions }) =>
  definitions === undefined ? [] : [{ kind, ...definitions }]
)

export const FromStore = Type.Union(
  sources.map(({ word, members }) =>
    Type.Object({ from_secret_store: Type.Literal(word), ...members, ...own }, strict)
  )
)

/** Apono's example has these in capitals, where its other members are not. */
export const SPELLINGS = sources.flatMap(({ capitals = {} }) => Object.entries(capitals))

/** What the members of a store are called here. */
export const MEMBER_NAMES: ReadonlyMap<unknown, string> = new Map([
  ['name', 'store'],
  ['caCertBase64', 'ca_cert_base64'],
  ['skipVerify', 'skip_verify'],
  ...sources.flatMap(({ words = {} }) => Object.entries(words))
])

/** The settings of the Vault; the token is not among them. */
export const vaultSettingsOf = (
  given: Static<typeof Definition>
): Readonly<Record<string, unknown>> => {
  const { address, ca_cert_base64, skip_verify, namespace, insecure } = given
  return {
    address,
    ...(namespace !== undefined && { namespace }),
    ...(insecure !== undefined && { insecure }),
    // base64(1) breaks its lines.
    ...(ca_cert_base64 !== undefined && { caCertBase64: ca_cert_base64.replace(/\s/g, '') }),
    ...(String(skip_verify) === 'true' && { skipVerify: true })
  }
}

export interface Source extends ReturnType<DefinitionSource['sourceOf']> {
  readonly kind: Kind['kind']
}

/** The store that keeps the definition, and where in it that is. */
export const sourceOf = (entry: Readonly<Record<string, unknown>>): Source => {
  const { from_secret_store: word, store: _name, mounts: _mounts, ...where } = entry
  const found = sources.find((source) => source.word === word)
  if (found === undefined) throw new Error('an entry of no kind of store')
  return { kind: found.kind, ...found.sourceOf(where) }
}
