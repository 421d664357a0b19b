/**
 * The credentials that stores log in with, read where their settings say. Rule: anew each time, so that a rotated one
 * is taken up.
 */
import { ProviderFault, UNFIT_CREDENTIAL } from '../core/fault.ts'
import { wordOfFile } from '../core/file-text.ts'
import { locatorOf, parseReference } from '../core/reference.ts'
import { Sensitive } from '../core/secret.ts'
import { readFileBytes, UnfitFile } from '../files/read.ts'
import type { CallOptions, ProviderDeps } from '../kinds/provider.ts'
import { select } from './content.ts'
import type { StoresDeps } from './stores.ts'

const missing = (): ProviderFault =>
  new ProviderFault('misconfigured', { code: 'credential_missing' })

/** The file is a pipe, a device or too large: neither Purser nor an SDK may wait for it or read it to its end. */
const unfit = (): ProviderFault => new ProviderFault('misconfigured', { code: UNFIT_CREDENTIAL })

/** Reads under the deadline of the login; the credential is not cached. */
const readFromStore = async (
  { rules }: Pick<StoresDeps, 'rules'>,
  text: string,
  { signal }: CallOptions
): Promise<Sensitive<string>> => {
  const { book, stores } = rules()
  const reference = parseReference(text, book)
  const store = reference && stores.get(reference.store)
  if (reference === undefined || store === undefined) throw missing()
  const record = await store.read(locatorOf(reference), { signal })
  const selection = select(record, reference.field)
  if ('data' in selection) throw missing()
  return selection.value
}

export const readCredential =
  (deps: Pick<StoresDeps, 'rules' | 'environ'>): ProviderDeps['credential'] =>
  async (credential, options) => {
    if ('ref' in credential) {
      return readFromStore(deps, credential.ref, options).catch((error: unknown) => {
        throw error instanceof ProviderFault ? error : missing()
      })
    }
    const text =
      'env' in credential
        ? deps.environ(credential.env)?.replace(/\r?\n$/, '')
        : await readFileBytes(credential.file, options.signal)
            .then(wordOfFile)
            .catch((error: unknown) => (error instanceof UnfitFile ? unfit() : missing()))
    if (text instanceof ProviderFault) throw text
    if (text === undefined || text === '') throw missing()
    return new Sensitive(text)
  }
