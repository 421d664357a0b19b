/**
 * What a reload replaces, as one object. Rule: it is put together whole or not at all; what is unchanged in it is kept.
 */
import { type Config, credentialsIn } from '../config/config.ts'
import { readDefinitions } from '../config/definitions.ts'
import type { Environ } from '../config/env.ts'
import { RELOADED } from '../config/fixed.ts'
import { createKeyring, type Keyring } from '../crypto/keyring.ts'
import { createSealer, type Sealer } from '../crypto/sealer.ts'
import { createTokenSigner, type TokenSigner } from '../crypto/session-token.ts'
import { createSecretCheck } from '../http/credentials.ts'
import { SESSION_TOKEN, sessionAudience } from '../keys/session.ts'
import { SIGN_IN_TOKEN, signInAudience } from '../keys/sign-in.ts'
import { compilePolicy } from '../kinds/references.ts'
import { connectStores, NO_STORES, type StoresDeps } from '../secrets/stores.ts'
import type { Rules } from '../secrets/terms.ts'

export interface Live extends Rules {
  readonly config: Config
  readonly environ: Environ
  readonly keyring: Keyring
  readonly sealer: Sealer
  /** Of JWT_SECRET. */
  readonly sessionSigner: TokenSigner
  readonly signInSigner: TokenSigner
  readonly isInternalSecret: (given: string) => boolean
  readonly isMetricsToken: (given: string) => boolean
  readonly isAuthorizeSecret: (given: string) => boolean
}

/** The configuration in force after a reload of `next`. */
export const takenOver = (started: Config, next: Config): Config => {
  const { settings, dataDir, tls, redis, tracing, doors } = started
  const reloaded = RELOADED.map((name) => [name, next.settings[name]])
  return {
    ...next,
    settings: { ...settings, ...Object.fromEntries(reloaded) },
    dataDir,
    tls,
    redis,
    tracing,
    doors
  }
}

/** What a configuration gives before any store is connected and any definition of a store is read. */
export const prepare = (config: Config, environ: Environ, now: () => number): Live => {
  const { settings } = config
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  return {
    config,
    environ,
    keyring,
    sealer: createSealer(keyring),
    sessionSigner: createTokenSigner({
      ...SESSION_TOKEN,
      secrets: settings.JWT_SECRET ?? [],
      audience: sessionAudience(settings.ENVIRONMENT)
    }),
    signInSigner: createTokenSigner({
      ...SIGN_IN_TOKEN,
      secrets: settings.JWT_SECRET ?? [],
      audience: signInAudience(settings.ENVIRONMENT)
    }),
    isInternalSecret: createSecretCheck(settings.INTERNAL_SECRET),
    isMetricsToken: createSecretCheck(settings.METRICS_TOKEN ?? []),
    isAuthorizeSecret: createSecretCheck(settings.AUTHORIZE_SECRET ?? []),
    policy: compilePolicy(config.policies, now),
    book: config.book,
    stores: NO_STORES
  }
}

/** Rejects if a definition cannot be read or a store cannot be connected; nothing has changed then. */
export const compose = async (
  wanted: Config,
  environ: Environ,
  deps: StoresDeps,
  previous?: Live
): Promise<Live> => {
  const config = await readDefinitions(wanted, {
    ...deps,
    environ: credentialsIn(wanted, environ)
  })
  const prepared = prepare(config, environ, deps.now)
  const { stores, retired } = await connectStores(config.stores, deps, previous?.stores)
  // Reads that began before the reload may still be under way.
  for (const store of retired) {
    setTimeout(() => void store.close(), 2 * deps.timeoutMs).unref()
  }
  return { ...prepared, stores }
}
