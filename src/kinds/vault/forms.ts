/**
 * References to secrets of Vault: URLs of its HTTP API, `ref+vault://`, paths and versions. Rule: a path leads into a
 * mount of a configured store or nowhere; a host is compared with those of configured stores, never judged.
 */
import { malformed, matching, SEGMENT_RULE, segments } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import {
  ANY_URL,
  type Form,
  type NamedStores,
  type ParsedForm,
  parameters,
  readUrl,
  seek,
  urlPathOf,
  type WrittenReference,
  type WrittenUrl
} from '../../core/reference-written.ts'

const KIND = 'vault'

export type VaultAddress = {
  readonly kind: typeof KIND
  /** Scheme, host and port as `new URL(address).origin` gives them. */
  readonly origin: string
  readonly namespace?: string
  readonly mounts: readonly { readonly path: string; readonly version: 1 | 2 }[]
}

// Vault and OpenBao take any path that is printable to Go (`disable_printable_check`), which is what `isPrintable`
// says.
export const paths = segments(2, `a Vault path is a mount and a path in it; ${SEGMENT_RULE}`)

export const versions = matching(/^[1-9][0-9]{0,9}$/, 'a Vault version is a number')

/** The longest configured mount below which the path leads. */
const mountOf = (address: VaultAddress, path: string): VaultAddress['mounts'][number] | undefined =>
  address.mounts
    .filter((mount) => path.startsWith(`${mount.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0]

export const reaches = (address: VaultAddress, path: string): boolean =>
  mountOf(address, path) !== undefined

export const unversioned = (address: VaultAddress, path: string): string | undefined =>
  mountOf(address, path)?.version === 1 ? 'a version 1 mount keeps no versions' : undefined

const VAULT = 'a Vault URL'

/** A path of the HTTP API as mount and path, if it leads into the store; its namespace may stand before the mount. */
const vaultPath = (address: VaultAddress, written: string): string | undefined => {
  const { namespace } = address
  const isBelow = namespace !== undefined && written.startsWith(`${namespace}/`)
  const paths = isBelow ? [written.slice(namespace.length + 1), written] : [written]
  for (const path of paths) {
    const mount = mountOf(address, path)
    if (mount === undefined) continue
    if (mount.version === 1) return path
    const [data, ...inside] = path.slice(mount.path.length + 1).split('/')
    if (data !== 'data') throw malformed(VAULT, 'a mount of version 2 is read below data')
    const inStore = `${mount.path}/${inside.join('/')}`
    // Without `data` it must not come to lie below a mount within this one: that would be another secret.
    if (mountOf(address, inStore) === mount) return inStore
    throw malformed(VAULT, 'its path belongs to another mount')
  }
  return undefined
}

/** `http[s]://<host>[:<port>]/v1/[<namespace>/]<mount>[/data]/<path>[?version=<n>][#<field>]` */
const vaultSecret = (
  { url, path: encoded }: WrittenUrl,
  { query, field }: WrittenReference,
  stores: NamedStores
): ParsedForm => {
  const written = urlPathOf(VAULT, encoded.slice('/v1/'.length))
  const version = parameters(VAULT, query, ['version']).get('version')
  let path: string | undefined
  const store = seek<VaultAddress>(stores, KIND, (address) => {
    path = address.origin === url.origin ? vaultPath(address, written) : undefined
    return path !== undefined
  })
  return { form: VAULT, kind: KIND, store, path: path ?? written, version, field }
}

export const apiUrl: Form = {
  begins: ['https:', 'http:'],
  fits: (head) => /^https?:\/\/[^/]*\/v1\//.test(head),
  read: (written, stores) => vaultSecret(readUrl(ANY_URL, written.head), written, stores)
}

const originOf = (address: string | undefined): string | undefined => {
  if (address === undefined) return undefined
  const { url, path } = readUrl(VALS, address)
  if (path !== '/') throw malformed(VALS, 'an address is a URL without a path')
  return url.origin
}

/** vals names the mount and the path without `data/`; where no field is given, the last segment is the field. */
export const vals: ValsBackend = {
  parameters: ['address', 'namespace', 'version'],
  read: (written, given, field, stores) => {
    const last = written.lastIndexOf('/')
    const path = urlPathOf(
      VALS,
      field === undefined ? written.slice(0, Math.max(last, 0)) : written
    )
    const origin = originOf(given.get('address'))
    const namespace = given.get('namespace')
    const store = seek<VaultAddress>(
      stores,
      KIND,
      (address) =>
        (origin === undefined || origin === address.origin) &&
        (namespace === undefined || namespace === address.namespace) &&
        reaches(address, path)
    )
    const version = given.get('version')
    return {
      form: VALS,
      kind: KIND,
      store,
      path,
      version,
      field: field ?? written.slice(last + 1)
    }
  }
}
