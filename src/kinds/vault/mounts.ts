/**
 * From our paths to those of Vault's API. Rule: a path leads into a configured mount and nowhere else; one that leads
 * elsewhere, or could on its way, is refused before anything is sent.
 */
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { encodePath } from './client.ts'

export const MountPath = (description: string) =>
  Type.String({ pattern: '^[^/]+(/[^/]+)*$', maxLength: 512, description })

export const Mount = Type.Object(
  {
    path: MountPath('where the KV engine is mounted, e.g. `my-kv` or `team/kv`'),
    version: Type.Union([Type.Literal(1), Type.Literal(2)], {
      description: 'the version of the KV engine'
    })
  },
  { additionalProperties: false }
)
export type Mount = Static<typeof Mount>

/** A mount, and a path in it: of a secret, or of a folder with a slash at its end. The mount's own folder is ''. */
export interface Place {
  readonly mount: Mount
  readonly rest: string
}

/** No text that UTF-8, and so a URL, could carry. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** A dot segment would be resolved by URL parsers on the way, and so leave the mount; an empty one is folded away. */
export const isSegment = (text: string): boolean =>
  !['', '.', '..'].includes(text) && !text.includes('/') && !LONE_SURROGATE.test(text)

export const hasOnlySegments = (path: string): boolean => path.split('/').every(isSegment)

const folderOf = ({ path }: Mount): string => `${path}/`

/** The place in the longest mount that the path lies in. */
const placeOf = (mounts: readonly Mount[], path: string): Place => {
  const [mount] = mounts
    .filter((candidate) => path.startsWith(folderOf(candidate)))
    .sort((a, b) => b.path.length - a.path.length)
  if (mount === undefined) throw new ProviderFault('misconfigured', { code: 'no_mount' })
  return { mount, rest: path.slice(folderOf(mount).length) }
}

/** Where the secret of that path is. Throws ProviderFault `misconfigured`. */
export const locate = (mounts: readonly Mount[], path: string): Place => {
  const place = placeOf(mounts, path)
  if (!hasOnlySegments(place.rest)) throw new ProviderFault('misconfigured', { code: 'path' })
  return place
}

/** Where the folder is whose path ends in a slash. Throws ProviderFault `misconfigured`. */
export const locateFolder = (mounts: readonly Mount[], path: string): Place => {
  const place = placeOf(mounts, path)
  if (place.rest !== '' && !(path.endsWith('/') && hasOnlySegments(place.rest.slice(0, -1)))) {
    throw new ProviderFault('misconfigured', { code: 'path' })
  }
  return place
}

/**
 * The folders that hold all that stands below the prefix: one in a mount, or the mounts themselves if the prefix stops
 * above them. Throws ProviderFault `misconfigured`.
 */
export const foldersBelow = (mounts: readonly Mount[], prefix: string): string[] => {
  const isFolder = prefix === '' || prefix.endsWith('/')
  const whole = mounts.map(folderOf).filter((folder) => isFolder && folder.startsWith(prefix))
  if (whole.length > 0) return whole
  locateFolder(mounts, prefix)
  return [prefix]
}

const apiPath = ({ mount, rest }: Place, part: 'data' | 'metadata'): string =>
  encodePath(mount.version === 1 ? folderOf(mount) + rest : `${mount.path}/${part}/${rest}`)

export const dataPath = (place: Place): string => apiPath(place, 'data')

export const metadataPath = (place: Place): string => apiPath(place, 'metadata')
