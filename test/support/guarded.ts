/** A provider as its store asks it: behind a guard without a quota, which ends every call at its deadline. */
import type { SecretProvider } from '../../src/kinds/provider.ts'
import { createGuard, type Operations } from '../../src/secrets/guard.ts'

export const guarded = (provider: SecretProvider, now: () => number = Date.now): Operations =>
  createGuard({
    store: 'tested',
    bucket: undefined,
    log: () => {},
    timeoutMs: 10_000,
    now
  }).protect(provider)
