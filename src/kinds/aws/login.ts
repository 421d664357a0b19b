/**
 * Who Purser is to AWS: what the SDK's chain of credentials finds, which keeps it and renews it before it ends. Rule: what
 * the chain was refused, or AWS disowned, is looked for anew and not shown again unchanged.
 */
import type { ProviderFault } from '../../core/fault.ts'
import type { ProviderDeps } from '../provider.ts'
import { filesAtHome } from '../shared/home.ts'
import { ambientCredential, createLogin } from '../shared/login.ts'
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

export interface Pass {
  readonly worked: () => void
  readonly disown: (fault: ProviderFault) => Promise<void>
}

export interface Chain {
  /** Credentials are at hand. Throws ProviderFault. */
  readonly pass: () => Promise<Pass>
  readonly close: () => void
}

/** `resolve` is the SDK's, which keeps what it found; with `forceRefresh` it looks anew. Throws errors of the SDK's. */
export const createChain = (
  resolve: (options?: { readonly forceRefresh?: boolean }) => Promise<unknown>,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now'>
): Chain => {
  const faultOf = (error: unknown): ProviderFault => loginFaultOf(error, deps.now())
  let wasAsked = false

  const login = createLogin<object>(
    {
      credential: (options) => ambientCredential(deps, AMBIENT, options),
      login: async () => {
        const forceRefresh = wasAsked
        wasAsked = true
        await resolve({ forceRefresh }).catch((error: unknown) => {
          throw faultOf(error)
        })
        return {}
      }
    },
    deps
  )

  return {
    pass: async () => {
      const held = await login.get()
      // At once, unless they have ended and are renewed.
      await resolve().catch(async (error: unknown) => {
        throw await login.failed(held, faultOf(error))
      })
      return {
        worked: () => login.worked(held),
        disown: (fault) => login.disown(held, fault)
      }
    },
    close: login.close
  }
}
