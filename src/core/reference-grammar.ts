/**
 * The alphabets of references: what a store name, a version and a path may look like, by the kind of store. Rule: what could
 * be spelt in two ways is brought to one spelling or refused here, because policy is matched on the path; and no refusal
 * repeats anything of what was written.
 */
import { ProblemError } from './problem.ts'
import { ESCAPE_RULE, isPrintable } from './reference-text.ts'
import type { StoreAddress, StoreKind } from './store-address.ts'

/** Names that no store may have, since the written forms begin with them. */
export const RESERVED_STORE_NAMES: ReadonlySet<string> = new Set([
  'arn',
  'http',
  'https',
  'k8s',
  'projects',
  'ref',
  'secretref'
])

export const STORE_NAME = /^[a-z][a-z0-9-]{0,62}$/
export const isStoreName = (text: string): boolean =>
  STORE_NAME.test(text) && !RESERVED_STORE_NAMES.has(text)

/** A key of `secrets:`; without colon or slash, so that no other form looks like it. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
export const isSecretName = (text: string): boolean => SECRET_NAME.test(text)

/** The union of what the kinds allow: what stands elsewhere in a path leads to no store of any kind. */
const isPathText = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= 1_024 && isPrintable(text)

/** `form` names the written form with its article; `rule` says in our words what it has to be like. */
export const malformed = (form: string, rule: string): ProblemError =>
  new ProblemError('invalid_reference', { detail: `The reference was read as ${form}: ${rule}.` })

interface Alphabet {
  readonly accepts: (text: string) => boolean
  readonly rule: string
}

const matching = (pattern: RegExp, rule: string): Alphabet => ({
  accepts: (text) => pattern.test(text),
  rule
})

const SEGMENT_RULE = `segments between single slashes are printable, not empty, not . or ..; ${ESCAPE_RULE}`

/** Paths that a peer may take apart at its slashes; so nothing that a URL would fold away. */
const segments = (atLeast: number, rule: string): Alphabet => ({
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

const PATHS: Readonly<Record<StoreKind, Alphabet>> = {
  // CreateSecret, Name: 512 letters, digits and /_+=.@-; and 7 for the suffix that AWS appends in an ARN. The exclamation
  // mark is in the names of secrets that other services manage, `rds!db-…` (User Guide, "Managed secrets"). A name is opaque
  // to AWS: slashes are letters like others there.
  'aws-secrets-manager': matching(
    /^[A-Za-z0-9/_+=.@!-]{1,519}$/,
    'an AWS secret name has up to 512 letters, digits and / _ + = . @ - !'
  ),
  // Key Vault, "Objects, identifiers, and versioning": 1 to 127 of 0-9, a-z, A-Z and -.
  'azure-key-vault': matching(
    /^[a-z0-9-]{1,127}$/,
    'an Azure secret name has up to 127 letters, digits and hyphens'
  ),
  // projects.secrets.create, secretId: up to 255 upper and lower case letters, numerals, hyphen and underscore.
  'gcp-secret-manager': matching(
    /^[A-Za-z0-9_-]{1,255}$/,
    'a GCP secret id has up to 255 letters, digits, hyphens and underscores'
  ),
  // Vault and OpenBao take any path that is printable to Go (`disable_printable_check`), which is what `isPrintable` says.
  vault: segments(2, `a Vault path is a mount and a path in it; ${SEGMENT_RULE}`),
  // A namespace is a DNS label, a name a DNS subdomain (Kubernetes: Object Names and IDs).
  kubernetes: matching(
    /^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252}$/,
    'a Kubernetes path is a namespace, a slash and a name, in lower case'
  ),
  // As in Vault, so that either can take the other's place; its 1,024 bytes leave room in a key of LMDB.
  local: segments(1, SEGMENT_RULE)
}

const ANY_VERSION = matching(
  /^[A-Za-z0-9_.-]{1,128}$/,
  'a version has up to 128 letters, digits and _ . -'
)

const VERSIONS: Readonly<Record<StoreKind, Alphabet>> = {
  'aws-secrets-manager': ANY_VERSION,
  'azure-key-vault': matching(
    /^[0-9a-f]{32}$/,
    'an Azure version is 32 hexadecimal digits, as the portal shows it; without one the newest is read'
  ),
  'gcp-secret-manager': matching(
    /^(?:[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62})$/,
    'a GCP version is a number or an alias'
  ),
  vault: matching(/^[1-9][0-9]{0,9}$/, 'a Vault version is a number'),
  kubernetes: ANY_VERSION,
  local: ANY_VERSION
}

/** What a peer calls the newest version; the same as giving none. */
const LATEST: Partial<Readonly<Record<StoreKind, string>>> = {
  'gcp-secret-manager': 'latest',
  vault: '0'
}

const accepted = (form: string, alphabet: Alphabet, text: string): string => {
  if (!alphabet.accepts(text)) throw malformed(form, alphabet.rule)
  return text
}

/** Azure compares identifiers without case (Key Vault: object identifiers), so they have one case here. */
const oneCase = (kind: StoreKind | undefined, text: string): string =>
  kind === 'azure-key-vault' ? text.toLowerCase() : text

/** The one name of a path, which was decoded before. `kind` is undefined where no store is known: only what no kind allows is refused then. */
export const canonicalPath = (form: string, kind: StoreKind | undefined, path: string): string => {
  if (!isPathText(path)) {
    throw malformed(form, `a path is printable and has up to 1,024 bytes; ${ESCAPE_RULE}`)
  }
  return kind === undefined ? path : accepted(form, PATHS[kind], oneCase(kind, path))
}

/** The one spelling of a version: empty for the newest, however the peer calls it. */
export const canonicalVersion = (
  form: string,
  kind: StoreKind | undefined,
  version: string
): string => {
  accepted(form, ANY_VERSION, version)
  if (kind === undefined) return version
  return version === LATEST[kind] ? '' : accepted(form, VERSIONS[kind], oneCase(kind, version))
}

type VaultAddress = Extract<StoreAddress, { kind: 'vault' }>

/** The longest configured mount below which the path leads. */
export const mountOf = (
  address: VaultAddress,
  path: string
): VaultAddress['mounts'][number] | undefined =>
  address.mounts
    .filter((mount) => path.startsWith(`${mount.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0]

/** Whether a canonical path leads into what the store was configured for. */
export const reaches = (address: StoreAddress, path: string): boolean => {
  if (address.kind === 'vault') return mountOf(address, path) !== undefined
  if (address.kind !== 'kubernetes') return true
  return address.namespaces.includes(path.slice(0, path.indexOf('/')))
}
