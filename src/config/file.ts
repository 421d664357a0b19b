/**
 * Reads `purser.yaml`: stores, policies, names for references, bots, their providers and channels. Rule: unknown members are errors,
 * whatever refers to something must find it, and every fault is reported at once with its line.
 */
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import type { ObjectsByKind } from '../broker/objects.ts'
import { textOfFile } from '../core/file-text.ts'
import { compilePolicy, type PolicyRule } from '../core/policy.ts'
import {
  createReferenceBook,
  isSecretName,
  parseReference,
  type ReferenceBook
} from '../core/reference.ts'
import { checkShape, type Report } from '../core/shape.ts'
import { chainFaults } from './chain.ts'
import { ConfigError, whyUnread } from './fault.ts'
import type { ImportedStore } from './hashicorp.ts'
import { readObjects } from './objects.ts'
import { readStore, Store, type StoreConfig } from './store.ts'
import { readYaml } from './yaml-document.ts'

const Clients = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])
const Patterns = Type.Array(Type.String(), { maxItems: 1000 })

const Policy = Type.Object(
  {
    client: Clients,
    read: Type.Optional(Patterns),
    write: Type.Optional(Patterns),
    bots: Type.Optional(Patterns),
    channels: Type.Optional(Patterns)
  },
  { additionalProperties: false }
)

// Each is read by itself: most members of bots and providers are VoiceAI Connect's own.
const objects = (maxItems: number) => Type.Optional(Type.Array(Type.Unknown(), { maxItems }))

const File = Type.Object(
  {
    stores: Type.Array(Store, { maxItems: 1000 }),
    policies: Type.Optional(Type.Array(Policy, { maxItems: 10_000 })),
    secrets: Type.Optional(Type.Record(Type.String(), Type.String())),
    providers: objects(10_000),
    bots: objects(10_000),
    channels: objects(1000)
  },
  { additionalProperties: false }
)

export interface FileConfig extends ObjectsByKind {
  readonly stores: readonly StoreConfig[]
  readonly policies: readonly PolicyRule[]
  readonly book: ReferenceBook
}

const NAMED_ALIKE = 'has the name of another store: its member store can give it one of its own'

const storeOfPattern = (pattern: string): string => pattern.slice(0, pattern.indexOf(':'))

/** A member with nothing after its colon is no member: what stood below it may all be commented out. */
const withoutEmpty = (content: unknown): unknown => {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return content ?? {}
  return Object.fromEntries(Object.entries(content).filter(([, member]) => member !== null))
}

const checkPolicies = (
  policies: readonly PolicyRule[],
  stores: ReadonlyMap<string, string>,
  report: Report
): void => {
  policies.forEach((rule, index) => {
    const at = ['policies', index]
    try {
      compilePolicy([rule])
    } catch (error) {
      report(at, (error as Error).message)
      return
    }
    for (const action of ['read', 'write'] as const) {
      rule[action]?.forEach((pattern, place) => {
        const kind = stores.get(storeOfPattern(pattern))
        const path = pattern.replace(/#.*$/, '')
        if (kind === undefined) {
          report([...at, action, place], 'names a store that is not configured')
        } else if (action === 'write' && pattern.includes('#')) {
          report(
            [...at, action, place],
            'never matches: a write is of a whole secret, not of a field'
          )
        } else if (kind === 'azure-key-vault' && path !== path.toLowerCase()) {
          report(
            [...at, action, place],
            'never matches: names in Azure Key Vault are lower case here'
          )
        }
      })
    }
  })
}

const checkNames = (
  names: ReadonlyMap<string, string>,
  book: ReferenceBook,
  report: Report
): void => {
  for (const [name, text] of names) {
    const at = ['secrets', name]
    if (!isSecretName(name)) report(at, 'must be letters, digits, dots, underscores and hyphens')
    else if (name === 'batch') report(at, 'is taken by the route /v1/secrets/batch')
    else if (isSecretName(text)) report(at, 'must be a reference, not another name')
    else {
      try {
        if (parseReference(text, book) === undefined) report(at, 'leads to no configured store')
      } catch (error) {
        report(at, (error as Error).message)
      }
    }
  }
}

/** What else there is, besides the file. */
export interface Beside {
  /** The environment is pre or pro. */
  readonly guarded?: boolean
  /** Stores from elsewhere, which the file may refer to as to its own. */
  readonly imported?: readonly ImportedStore[]
}

/** Parses the text of a `purser.yaml`; `label` is what faults call it. Throws ConfigError with every fault. */
export const parseConfigFile = (
  text: string,
  label: string,
  { guarded = false, imported = [] }: Beside = {}
): FileConfig => {
  const { content: written, faults, report, refuse } = readYaml(text, label)
  const content = withoutEmpty(written)
  if (!checkShape(File, content, [], report)) refuse()

  const file = content as Static<typeof File>
  const stores: StoreConfig[] = []
  const kinds = new Map<string, string>()
  file.stores.forEach((entry, index) => {
    const store = readStore(entry, guarded, ['stores', index], report)
    if (kinds.has(entry.name)) report(['stores', index, 'name'], 'stands twice')
    kinds.set(entry.name, entry.kind)
    if (store !== undefined) stores.push(store)
  })
  for (const { name, plugin, place } of imported) {
    if (kinds.has(name)) faults.push({ place, message: NAMED_ALIKE })
    kinds.set(name, plugin.kind)
  }
  const all = [...stores, ...imported]
  const policies = (file.policies ?? []) as PolicyRule[]
  const secrets = new Map(Object.entries(file.secrets ?? {}))
  const book = createReferenceBook(all, secrets)
  checkPolicies(policies, kinds, report)
  const areStoresRead = stores.length === file.stores.length
  // What leads to a store which is itself at fault would only repeat that fault.
  const context = { book: areStoresRead ? book : undefined, guarded }
  const configured = readObjects(file, context, report)
  if (areStoresRead) {
    checkNames(secrets, book, report)
    for (const { index, message } of chainFaults(all, book)) {
      const elsewhere = imported[index - stores.length]
      if (elsewhere === undefined) report(['stores', index], message)
      else faults.push({ place: elsewhere.place, message })
    }
  }
  refuse()
  return { stores: all, policies, book, ...configured }
}

/** Throws ConfigError. */
export const readConfigFile = (path: string, label: string, beside?: Beside): FileConfig => {
  let text: string
  try {
    text = textOfFile(readFileSync(path))
  } catch (error) {
    const why = whyUnread(error)
    const help = 'code' in (error as object) ? '; `purser init` writes one' : ''
    throw new ConfigError([{ place: label, message: `${why}${help}` }])
  }
  return parseConfigFile(text, label, beside)
}
