/**
 * Purser's AWS credentials, as the SDK's chain finds them, keeps them and renews them before they end. Rule:
 * credentials that were refused to the chain, or that AWS no longer accepts, are looked for anew and not used again
 * unchanged.
 */
import type { ProviderDeps } from '../provider.ts'
import { ambientCredential } from '../shared/credential.ts'
import { filesAtHome } from '../shared/home.ts'
import { createLogin, type Login } from '../shared/login.ts'
import { loginFaultOf } from './faults.ts'

/** What the chain looks at, but for the metadata services. */
const AMBIENT = {
  variables: [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_PROFILE',
    'AWS_ROLE_ARN'
  ],
  fileVariables: [
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_CONFIG_FILE'
  ],
  files: filesAtHome('.aws/credentials', '.aws/config')
}

/** `resolve` is the SDK's, which keeps what it found; with `forceRefresh` it looks anew. Throws errors of the SDK's. */
export const createChain = (
  resolve: (options?: { readonly forceRefresh?: boolean }) => Promise<unknown>,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now'>
): Login<object> => {
  let wasAsked = false
  const find = async (options?: { readonly forceRefresh: boolean }): Promise<void> => {
    await resolve(options).catch((error: unknown) => {
      throw loginFaultOf(error, deps.now())
    })
  }
  return createLogin<object>(
    {
      credential: (options) => ambientCredential(deps, AMBIENT, options),
      login: async () => {
        const forceRefresh = wasAsked
        wasAsked = true
        await find({ forceRefresh })
        return {}
      },
      renew: () => find()
    },
    deps
  )
}
