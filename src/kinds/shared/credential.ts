/**
 * The credential of a login, read where the settings say or where an SDK would look. Rule: it is read anew at each
 * login, and never kept.
 */
import { devNull } from 'node:os'
import { isTransient, ProviderFault, UNFIT_CREDENTIAL } from '../../core/fault.ts'
import type { CallOptions, Credential, ProviderDeps } from '../provider.ts'

/** A credential that is absent, forbidden or unreadable is a fault of the configuration, whatever its source. */
export const credentialFault = (error: unknown): ProviderFault =>
  error instanceof ProviderFault && isTransient(error)
    ? error
    : new ProviderFault('misconfigured', { code: 'credential' })

/** The secrets at these places, as they are now. Throws ProviderFault. */
export const secretsAt = async (
  { credential }: Pick<ProviderDeps, 'credential'>,
  places: readonly Credential[],
  options: CallOptions
): Promise<string[]> => {
  try {
    const secrets = await Promise.all(places.map((place) => credential(place, options)))
    return secrets.map((secret) => secret.reveal())
  } catch (error) {
    throw credentialFault(error)
  }
}

/**
 * All that a credential which an SDK finds by itself may consist of: variables, and files, some of them named by
 * variables. It only tells whether the credential has changed, so an absent part is an empty text.
 */
export const ambientCredential = async (
  { credential }: Pick<ProviderDeps, 'credential'>,
  wanted: {
    readonly variables: readonly string[]
    readonly fileVariables: readonly string[]
    readonly files: readonly string[]
  },
  options: CallOptions
): Promise<string[]> => {
  const read = (where: Credential): Promise<string> =>
    credential(where, options).then(
      (text) => text.reveal(),
      (error: unknown) => {
        if (error instanceof ProviderFault && error.code === UNFIT_CREDENTIAL) throw error
        return ''
      }
    )
  const named = await Promise.all(wanted.fileVariables.map((env) => read({ env })))
  // The null device stands for no file.
  const files = [...named, ...wanted.files].filter((file) => file !== '' && file !== devNull)
  return Promise.all([
    ...wanted.variables.map((env) => read({ env })),
    ...files.map((file) => read({ file }))
  ])
}
