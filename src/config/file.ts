/**
 * Reads `purser.yaml`: stores, policies and names for references. Rule: unknown members are errors, whatever refers to
 * something must find it, and every fault is reported at once with its line.
 */
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { isAlias, isNode, LineCounter, parseDocument, visit } from 'yaml'
import { compilePolicy, type PolicyRule } from '../core/policy.ts'
import {
  createReferenceBook,
  isSecretName,
  isStoreName,
  parseReference,
  type ReferenceBook
} from '../core/reference.ts'
import type { StoreAddress } from '../core/store-address.ts'
import { catalog, pluginOf } from '../providers/catalog.ts'
import type { ProviderPlugin } from '../providers/provider.ts'
import { chainFaults } from './chain.ts'
import { ConfigError, type ConfigFault } from './fault.ts'
import { checkShape, type Path, type Report } from './shape.ts'

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

const Store = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  requireTags: Type.Optional(Type.Record(Type.String(), Type.String(), { minProperties: 1 }))
})

// Bots and channels are read from a later version on; until then only their empty lists are accepted.
const NotYet = Type.Array(Type.Unknown(), { maxItems: 0 })

const File = Type.Object(
  {
    stores: Type.Array(Store, { maxItems: 1000 }),
    policies: Type.Optional(Type.Array(Policy, { maxItems: 10_000 })),
    secrets: Type.Optional(Type.Record(Type.String(), Type.String())),
    providers: Type.Optional(NotYet),
    bots: Type.Optional(NotYet),
    channels: Type.Optional(NotYet)
  },
  { additionalProperties: false }
)

export interface StoreConfig {
  readonly name: string
  readonly plugin: ProviderPlugin
  /** As the plugin's `settings` schema describes them. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly address: StoreAddress
  /** Tags without which a secret of this store is not read; empty: none are asked for. */
  readonly requireTags: ReadonlyMap<string, string>
}

export interface FileConfig {
  readonly stores: readonly StoreConfig[]
  readonly policies: readonly PolicyRule[]
  readonly book: ReferenceBook
}

const readStore = (
  entry: Static<typeof Store>,
  at: Path,
  report: Report
): StoreConfig | undefined => {
  const { name, kind, requireTags, ...settings } = entry as Record<string, unknown> &
    Static<typeof Store>
  if (!isStoreName(name)) {
    report(
      [...at, 'name'],
      'must be lower-case letters, digits and hyphens, and no word that starts a reference'
    )
    return undefined
  }
  const plugin = pluginOf(kind)
  if (plugin === undefined) {
    report([...at, 'kind'], `must be one of ${catalog.map((known) => known.kind).join(', ')}`)
    return undefined
  }
  if (requireTags !== undefined && plugin.tags === undefined) {
    report([...at, 'requireTags'], 'cannot be asked of this kind of store, which has none')
  }
  if (!checkShape(plugin.settings, settings, at, report)) return undefined
  try {
    const tags = new Map(Object.entries(requireTags ?? {}))
    return { name, plugin, settings, address: plugin.address(settings), requireTags: tags }
  } catch (error) {
    report(at, (error as Error).message)
    return undefined
  }
}

const storeOfPattern = (pattern: string): string => pattern.slice(0, pattern.indexOf(':'))

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

/** Parses the text of a `purser.yaml`; `label` is what faults call it. Throws ConfigError with every fault. */
export const parseConfigFile = (text: string, label: string): FileConfig => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true })
  const faults: ConfigFault[] = []
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${label}:${line}:${col}`
  }
  const report: Report = (path, message) => {
    // A missing member has no node of its own: its parent's place is the nearest.
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) {
        const subject = path.length > 0 ? `${path.join('.')} ` : ''
        faults.push({ place: place(node.range[0]), message: `${subject}${message}` })
        return
      }
    }
    faults.push({ place: label, message })
  }
  const refuse = (): void => {
    if (faults.length > 0) throw new ConfigError(faults)
  }

  for (const error of document.errors) {
    // The library quotes the text around an error in its message: only its code is repeated.
    faults.push({ place: place(error.pos[0]), message: `is not valid YAML (${error.code})` })
  }
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node))
        faults.push({ place: place(node.range?.[0] ?? 0), message: 'aliases are not read' })
    }
  })
  refuse()
  const content: unknown = document.toJS() ?? {}
  if (!checkShape(File, content, [], report)) refuse()

  const file = content as Static<typeof File>
  const stores: StoreConfig[] = []
  const kinds = new Map<string, string>()
  file.stores.forEach((entry, index) => {
    const store = readStore(entry, ['stores', index], report)
    if (kinds.has(entry.name)) report(['stores', index, 'name'], 'stands twice')
    kinds.set(entry.name, entry.kind)
    if (store !== undefined) stores.push(store)
  })
  const policies = (file.policies ?? []) as PolicyRule[]
  const secrets = new Map(Object.entries(file.secrets ?? {}))
  const book = createReferenceBook(stores, secrets)
  checkPolicies(policies, kinds, report)
  // A name that leads to a store which is itself at fault would only repeat that fault.
  if (stores.length === file.stores.length) {
    checkNames(secrets, book, report)
    for (const { index, message } of chainFaults(stores, book)) report(['stores', index], message)
  }
  refuse()
  return { stores, policies, book }
}

/** Throws ConfigError. */
export const readConfigFile = (path: string, label: string): FileConfig => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new ConfigError([{ place: label, message: 'cannot be read; `purser init` writes one' }])
  }
  return parseConfigFile(text, label)
}
