/**
 * What Google says that our account may do with a secret. Rule: it is asked (secrets.testIamPermissions, which takes no
 * right of its own) and nothing is tried.
 * https://cloud.google.com/secret-manager/docs/reference/rpc/google.cloud.secretmanager.v1
 */
import type { CallOptions, Rights, Wanted } from '../provider.ts'
import type { GrpcChannel } from './channel.ts'

const READ = 'secretmanager.versions.access'
const WRITE = 'secretmanager.versions.add'

/** What no store needs, in the words of `Rights`. */
const POWERS: readonly (readonly [permission: string, what: string])[] = [
  ['secretmanager.secrets.delete', 'delete'],
  ['secretmanager.secrets.setIamPolicy', 'change who may read'],
  ['secretmanager.versions.destroy', 'destroy versions of']
]

/** Of the secrets that are named whole; undefined where there are none. Throws ProviderFault. */
export const reviewRights = async (
  { call }: Pick<GrpcChannel, 'call'>,
  nameOf: (path: string) => string,
  { reads, writes }: Wanted,
  options: CallOptions
): Promise<Rights | undefined> => {
  if (reads.length === 0) return undefined
  const unneeded = writes ? POWERS : [...POWERS, [WRITE, 'write'] as const]
  const permissions = [READ, ...unneeded.map(([permission]) => permission)]
  const lacking: string[] = []
  const excess: string[] = []
  for (const path of reads) {
    const request = { resource: nameOf(path), permissions }
    const granted = new Set((await call('testIamPermissions', request, options)).permissions)
    if (!granted.has(READ)) lacking.push(`read ${path}`)
    for (const [permission, what] of unneeded) {
      if (granted.has(permission)) excess.push(`${what} ${path}`)
    }
  }
  return { lacking, excess }
}
