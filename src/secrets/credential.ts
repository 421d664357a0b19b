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

/** There is something that nobody should wait for or read to its end, an SDK as little as we. */
const unfit = (): ProviderFault => new ProviderFault('misconfigured', { code: UNFIT_CREDENTIAL })

/** Under the deadline of the login that needs it; nothing of it is cached here. */
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
