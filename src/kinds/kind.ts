/**
 * A kind of store: everything that Purser knows of a vendor, as one value. Rule: a kind is its folder, which exports
 * one `defineKind({...})`, and one line in `catalog.ts`; what no `?` marks cannot be forgotten, and no other folder
 * names a vendor.
 */
import type { Static, TObject, TProperties } from 'typebox'
import type { ReferenceKind } from '../core/reference-kinds.ts'
import type { Locator } from '../core/secret.ts'
import type { StoreAddress } from '../core/store-address.ts'
import type { ProviderDeps, SecretProvider } from './provider.ts'
import type { Quota } from './quota.ts'
import type { EventProof, EventTools, Hear } from './shared/notification.ts'

/** Words for a secret: a change and a watcher that may mean the same secret have a word in common. */
export interface Spellings {
  /** The words under which a change of the secret is told. */
  readonly told: readonly string[]
  /** The words for which a watcher of the secret listens. */
  readonly heard: readonly string[]
}

/** What `purser init` writes for a store of the kind, below `stores:`; values are examples to be replaced. */
export interface Example {
  readonly about: string
  readonly lines: readonly string[]
}

/**
 * How HASHICORP_VAULT_CONFIG says that the definition of a Vault is kept in a store of this kind: Apono's words, and
 * how they lead there.
 */
export interface DefinitionSource {
  /** Its `from_secret_store`. */
  readonly word: string
  /** Its other members. */
  readonly members: TProperties
  /** Members that Apono's example has in capitals, where its others are not. */
  readonly capitals?: Readonly<Record<string, string>>
  /** Apono's names for our settings, where they differ. */
  readonly words?: Readonly<Record<string, string>>
  /** For an entry of this shape: the settings of the store, and the reference to the definition in that store. */
  sourceOf(entry: Readonly<Record<string, unknown>>): {
    readonly settings: Readonly<Record<string, unknown>>
    readonly refIn: (store: string) => string
  }
}

/** How the vendor tells of changes, and how it proves them. */
export interface KindEvents<A extends StoreAddress = StoreAddress> {
  /** Absent: its notifications prove nothing by themselves, and the internal secret has to do. */
  readonly proof?: {
    /** The members of `events:` of a store that say what to expect; each optional. */
    readonly members: TProperties
    /** The end of a sentence on what is wrong with a store of another kind that has one of these members. */
    readonly foreign: string
    /** The same for a store of this kind, by what it has of them. */
    faultOf(given: EventProof, address: A): string | undefined
  }
  readonly listen: (tools: EventTools) => Hear
  /** Whether notifications from the sender that a CloudEvents handshake names are welcome; absent: from none. */
  readonly isWelcome?: (origin: string) => boolean
}

/** One kind of store, with how references to it are written and what its paths and versions look like. */
export interface Kind<S extends TObject = TObject, A extends StoreAddress = StoreAddress>
  extends ReferenceKind<A> {
  /** The word in `kind:` of `purser.yaml`. */
  readonly kind: A['kind']
  /** The vendor's word for the tags of secrets; absent if secrets cannot be tagged. */
  readonly tags?: 'tags' | 'labels' | 'custom metadata'
  /**
   * The members of a store besides `name` and `kind`: validates, types and documents them. Unknown members are refused.
   */
  readonly settings: S
  /** Where an operator sees what our login may do there, should the peer not tell it; follows "look at". */
  readonly rightsAt?: string
  /** The peer can be reached through a proxy; absent for a kind without a peer. */
  readonly proxies?: true
  /**
   * How many calls its peer takes, as its vendor says: half of a published limit at once and half in the course of its
   * window, so that all replicas together never meet it. Undefined: there is no peer whose quota could be used up.
   */
  readonly quota: Quota | undefined
  /** The variables that its SDK reads from the process by itself: lines of `.env` are handed on to it. */
  readonly sdkVariables?: RegExp
  /** Those of them that name an address to send to in the place of the vendor's. */
  readonly addressVariables?: RegExp
  /**
   * How references find this store; pure. Throws `Error` with a sentence (never a value) for settings that make no
   * sense.
   */
  readonly address: (settings: Static<S>) => A
  /**
   * The settings that say where a store logs in and as whom, for a kind whose peer locks accounts; if absent, all
   * settings.
   */
  readonly account?: (settings: Static<S>) => unknown
  /**
   * Whether a login uses up what it shows, so that nobody else can log in by it: only the service itself may. If absent,
   * none does.
   */
  spendsCredential?(settings: Static<S>): boolean
  /** The host to which requests would go unencrypted; undefined: none. Absent for a kind that always encrypts. */
  clearHost?(address: A): string | undefined
  /** Absent: its vendor tells of no changes; the simple form is understood for every kind. */
  readonly events?: KindEvents<A>
  /** Absent: no definition of a Vault can be kept in it. */
  readonly definitions?: DefinitionSource
  /** The member of VoiceAI Connect's bots with references to stores of this kind, and how each of them begins. */
  readonly botMember?: { readonly name: string; readonly form: RegExp }
  /** For a kind whose secrets go by several names; absent: a secret's path is its one name. */
  readonly spellings?: (secret: Locator) => Spellings
  /**
   * For a kind that keeps fields and no texts: under which one a write puts a text that is no object, so that a reader who
   * expects the text is given it.
   */
  readonly loneField?: string
  /** A store without a namespace in its settings is in that of VAULT_NAMESPACE. */
  readonly namespaced?: true
  /**
   * Builds the client. Imports its SDK here, lazily. Makes no network call: a store that is down must not stop a start.
   */
  readonly connect: (settings: Static<S>, deps: ProviderDeps) => Promise<SecretProvider>
}

export const defineKind = <S extends TObject, A extends StoreAddress>(
  kind: Kind<S, A>
): Kind<S, A> => kind
