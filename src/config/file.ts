/**
 * Reads `purser.yaml`: stores, policies, delegations, trusts, names for references, doors, bots, their providers, channels.
 * Rule: unknown members are errors, whatever refers to something must find it, and every fault is reported at once with its
 * line.
 */
import { type Static, Type } from 'typebox'
import { textOfFile } from '../core/file-text.ts'
import { isObject } from '../core/json.ts'
import type { PolicyRule } from '../core/policy.ts'
import type { ReferenceBook } from '../core/reference.ts'
import { type Path, type Report, soundPart } from '../core/shape.ts'
import { readFileBytesSync } from '../files/read.ts'
import type { ResourceKind } from '../integrations/resource-kinds.ts'
import type { ResourcesByKind } from '../integrations/resources.ts'
import type { Administrator } from '../keys/administrators.ts'
import type { Delegation } from '../keys/delegation.ts'
import type { Trust } from '../keys/trust.ts'
import { createReferenceBook } from '../kinds/references.ts'
import { AdministratorEntry, checkAdministrators } from './administrators.ts'
import { chainFaults } from './chain.ts'
import { checkDelegations, DelegationEntry } from './delegations.ts'
import { DOORS_MAX, type DoorConfig } from './door-entries.ts'
import { readDoors } from './doors.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import { readResources } from './resources.ts'
import { checkNames, checkPolicies, excuses, type SoundEntries } from './rules.ts'
import { type StoreConfig, StoreEntry } from './store.ts'
import { type FileContext, type Placed, readStores } from './stores.ts'
import { readTrusts, TrustEntry } from './trusts.ts'
import { readYaml } from './yaml-document.ts'

const Clients = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])
const Patterns = Type.Array(Type.String(), { maxItems: 1000 })

const PolicyEntry = Type.Object(
  {
    client: Clients,
    read: Type.Optional(Patterns),
    write: Type.Optional(Patterns),
    bots: Type.Optional(Patterns),
    channels: Type.Optional(Patterns),
    until: Type.Optional(Type.String())
  },
  { additionalProperties: false }
)

// Each is read by itself: most members of bots and providers are VoiceAI Connect's own, and a door has those of its
// dialect.
const list = (maxItems: number) => Type.Optional(Type.Array(Type.Unknown(), { maxItems }))

const File = Type.Object(
  {
    stores: Type.Array(StoreEntry, { maxItems: 1000 }),
    policies: Type.Optional(Type.Array(PolicyEntry, { maxItems: 10_000 })),
    secrets: Type.Optional(Type.Record(Type.String(), Type.String())),
    delegations: Type.Optional(Type.Array(DelegationEntry, { maxItems: 1000 })),
    administrators: Type.Optional(Type.Array(AdministratorEntry, { maxItems: 1000 })),
    doors: list(DOORS_MAX),
    trusts: Type.Optional(Type.Array(TrustEntry, { maxItems: 1000 })),
    providers: list(10_000),
    bots: list(10_000),
    channels: list(1000)
  },
  { additionalProperties: false }
)

export interface FileConfig extends ResourcesByKind {
  readonly stores: readonly StoreConfig[]
  readonly policies: readonly PolicyRule[]
  readonly delegations: readonly Delegation[]
  readonly administrators: readonly Administrator[]
  readonly doors: readonly DoorConfig[]
  readonly trusts: readonly Trust[]
  readonly book: ReferenceBook
  /** Of all stores of the file that could be read, imported ones aside. */
  readonly placed: readonly Placed[]
}

/** A member with nothing after its colon is no member: what stood below it may all be commented out. */
const withoutEmpty = (content: unknown): unknown => {
  if (!isObject(content)) return content ?? {}
  return Object.fromEntries(Object.entries(content).filter(([, member]) => member !== null))
}

/** A member of a store counts as a whole. */
const wholeOf = (path: Path): Path => (path[0] === 'stores' ? path.slice(0, 3) : path)

/** The content with what has the wrong shape told and left out, so that all else is looked at as well. */
const wellShaped = (content: unknown, report: Report) => {
  const written = isObject(content) ? content : {}
  const sound = soundPart(File, content, report, wholeOf)
  const parts = isObject(sound) ? sound : {}
  const entriesOf = <T>(list: string): SoundEntries<T> => {
    const entries = parts[list]
    if (!Array.isArray(entries)) return []
    return entries.map((entry, i) => [i, entry] as const).filter(([, entry]) => entry !== undefined)
  }
  const names = isObject(parts['secrets']) ? Object.entries(parts['secrets']) : []
  const listOf = (kind: ResourceKind): unknown[] => entriesOf(kind).map(([, entry]) => entry)
  return {
    written,
    entriesOf,
    resources: {
      providers: listOf('providers'),
      bots: listOf('bots'),
      channels: listOf('channels')
    },
    secrets: names.filter(([, text]) => typeof text === 'string') as [string, string][]
  }
}

export interface FileRead {
  /** Without what is at fault. */
  readonly file: FileConfig
  readonly faults: readonly ConfigFault[]
}

/** Reads the text of a `purser.yaml` with all that is wrong with it. Throws ConfigError if it is no YAML. */
export const inspectConfigFile = (
  text: string,
  label: string,
  context: FileContext = {}
): FileRead => {
  const document = readYaml(text, label)
  const { faults, report } = document
  const { guarded = false, imported = [], listeners = [] } = context
  const content = wellShaped(withoutEmpty(document.content), report)
  const sound = content.entriesOf<Static<typeof StoreEntry>>('stores')
  const { stores, placed, indexes, known } = readStores(
    content.written['stores'],
    sound,
    context,
    document
  )
  const isExcused = excuses(known)
  const all = [...stores, ...imported]
  const policies = content.entriesOf<PolicyRule>('policies')
  const secrets = new Map(content.secrets)
  const book = createReferenceBook(all, secrets)
  checkPolicies(policies, known, report)
  const delegations = content.entriesOf<DelegationEntry>('delegations')
  checkDelegations(delegations, context.adminScope, report)
  const administrators = content.entriesOf<AdministratorEntry>('administrators')
  checkAdministrators(administrators, report)
  const doors = readDoors(
    content.entriesOf<unknown>('doors'),
    { book, known, isExcused, listeners },
    report
  )
  const delegated = delegations.map(([, entry]) => entry as DelegationEntry)
  const { adminScope, allowsClear = false } = context
  const trusts = readTrusts(
    content.entriesOf<TrustEntry>('trusts'),
    { adminScope, allowsClear, delegations: delegated },
    report
  )
  const configured = readResources(content.resources, { book, guarded, isExcused }, report)
  checkNames(secrets, book, isExcused, report)
  for (const { index, message } of chainFaults(all, book, isExcused)) {
    const elsewhere = imported[index - stores.length]
    const own = indexes.get(all[index]?.name ?? '') ?? index
    if (elsewhere === undefined) report(['stores', own], message)
    else faults.push({ place: elsewhere.place, message })
  }
  const file = {
    stores: all,
    policies: policies.map(([, rule]) => rule as PolicyRule),
    delegations: delegated,
    administrators: administrators.map(([, entry]) => entry as Administrator),
    doors,
    trusts,
    book,
    placed,
    ...configured
  }
  return { file, faults }
}

/** Throws ConfigError if there is no such file, where `ifAbsent` says what to do, or it is no YAML. */
export const readConfigFile = (
  path: string,
  label: string,
  context?: FileContext,
  ifAbsent = ''
): FileRead => {
  let text: string
  try {
    text = textOfFile(readFileBytesSync(path))
  } catch (error) {
    const why = whyUnread(error)
    const help = (error as NodeJS.ErrnoException).code === 'ENOENT' ? ifAbsent : ''
    throw new ConfigError([{ place: label, message: `${why}${help}` }])
  }
  return inspectConfigFile(text, label, context)
}
