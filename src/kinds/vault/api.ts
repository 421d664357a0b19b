/**
 * Calls to Vault's API, each with a token that is fit for it. Rule: a read may be sent twice; a write is sent again
 * only after an answer that rules out that it was done.
 */
import { ProviderFault } from '../../core/fault.ts'
import type { Sensitive } from '../../core/secret.ts'
import type { CallOptions } from '../provider.ts'
import { INVALID_TOKEN } from './answer.ts'
import { requestOptions, type VaultClient } from './client.ts'
import type { Session } from './session.ts'

/** Paths are encoded and without `v1/`; answers are the texts of a 200 or 204. All throw ProviderFault. */
export interface VaultApi {
  readonly get: (path: string, options: CallOptions) => Promise<string>
  /** `body` is JSON. */
  readonly post: (path: string, body: Sensitive<string>, options: CallOptions) => Promise<string>
}

const isDenied = async (call: Promise<unknown>): Promise<boolean> => {
  try {
    await call
    return false
  } catch (error) {
    return error instanceof ProviderFault && error.reason === 'denied'
  }
}

/**
 * A server may word the denial of a path and that of a token alike, so a further question tells them apart: what the
 * token may do there; or, if the token may not even ask that (without the default policy), what any token may see
 * whatever its policies. https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts
 */
export const isDeadOn =
  (client: VaultClient, path: string, options: CallOptions) =>
  async (token: Sensitive<string>, { code }: ProviderFault): Promise<boolean> => {
    if (code === INVALID_TOKEN) return true
    const asToken = () => requestOptions(options, token)
    const question = { paths: [path] }
    return (
      (await isDenied(client.write('sys/capabilities-self', question, asToken()))) &&
      (await isDenied(client.read('sys/internal/ui/mounts', asToken())))
    )
  }

export const createApi = (client: VaultClient, session: Session): VaultApi => {
  return {
    get: (path, options) =>
      session.use(
        (token) => client.read(path, requestOptions(options, token)),
        isDeadOn(client, path, options),
        options
      ),
    post: (path, body, options) =>
      session.use(
        (token) => client.write(path, body, requestOptions(options, token)),
        isDeadOn(client, path, options),
        { ...options, changes: true }
      )
  }
}
