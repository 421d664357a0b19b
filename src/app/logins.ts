/** Logins with tokens of workloads: the trusts in force, and the keys of their issuers, kept over a reload. */
import { ProviderFault } from '../core/fault.ts'
import { isLoopback } from '../core/network.ts'
import { createIssuerFetch, type PeerReach, placeOfKeys } from '../keys/issuer-fetch.ts'
import { type HeldKeys, holdIssuerKeys } from '../keys/issuer-keys.ts'
import { createLogin, type Login } from '../keys/login.ts'
import { createTokenReview } from '../keys/token-review.ts'
import type { Trust } from '../keys/trust.ts'
import { createRoute } from '../kinds/shared/proxy.ts'
import { fetchBy } from '../kinds/shared/transport-fetch.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

/** Trusts of one issuer whose keys come from one place share them. */
const createHolders = (load: (trust: Trust) => HeldKeys, trusts: () => readonly Trust[]) => {
  const held = new Map<string, HeldKeys>()
  let known: readonly Trust[] = []
  return (trust: Trust): HeldKeys => {
    if (known !== trusts()) {
      known = trusts()
      const places = new Set(known.map(placeOfKeys))
      for (const place of held.keys()) if (!places.has(place)) held.delete(place)
    }
    const place = placeOfKeys(trust)
    const keys = held.get(place) ?? load(trust)
    held.set(place, keys)
    return keys
  }
}

/** Our own words for it: nothing that the peer said. */
const whyOf = ({ name: trust }: Pick<Trust, 'name'>, error: unknown) => {
  const { reason, code, status } = error instanceof ProviderFault ? error : faultOfFile(error)
  return {
    trust,
    reason,
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status })
  }
}

const faultOfFile = (error: unknown): ProviderFault => {
  const { code } = error as NodeJS.ErrnoException
  return new ProviderFault('misconfigured', { code })
}

export const createLoginOn = (ground: Ground, { issuing }: Pick<Keys, 'issuing'>): Login => {
  const { live, settings, recorder, log, now } = ground
  const trusts = () => live().config.trusts
  const environ = (name: string): string | undefined => live().environ[name]
  const fetchOf = ({ caFile, proxy }: PeerReach): typeof globalThis.fetch =>
    caFile === undefined && proxy === undefined
      ? ground.fetch
      : fetchBy({ caFile, route: createRoute(proxy, environ) })
  const load = createIssuerFetch({
    fetchOf,
    allowsClear: ({ hostname }) => settings.ENVIRONMENT === 'dev' && isLoopback(hostname)
  })
  const hold = (trust: Trust): HeldKeys =>
    holdIssuerKeys({
      load: () => load(trust),
      onFailure: (error) =>
        log('warn', "the keys of a trust's issuer cannot be had", whyOf(trust, error)),
      now
    })
  const review = createTokenReview({ fetchOf })
  return createLogin({
    trusts,
    keysOf: createHolders(hold, trusts),
    review: (trust, token, verified) =>
      review(trust, token, verified).catch((error) => {
        log('warn', 'the API server of a trust cannot be asked', whyOf(trust, error))
        throw error
      }),
    issuing,
    recorder,
    environment: settings.ENVIRONMENT,
    now
  })
}
