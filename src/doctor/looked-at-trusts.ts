/**
 * The trusts, each looked at as a login would: the keys of its issuer are fetched, and its API server is asked about a token
 * that is none. Rule: no token of anybody is shown, and what a peer answers is only counted.
 */
import type { Config } from '../config/config.ts'
import { ProviderFault } from '../core/fault.ts'
import { isLoopback } from '../core/network.ts'
import { sideBySide } from '../core/side-by-side.ts'
import type { IssuerKeys } from '../crypto/workload-token.ts'
import { createIssuerFetch, type PeerReach, placeOfKeys } from '../keys/issuer-fetch.ts'
import { createTokenReview } from '../keys/token-review.ts'
import type { Trust } from '../keys/trust.ts'
import { createRoute } from '../kinds/shared/proxy.ts'
import { fetchBy } from '../kinds/shared/transport-fetch.ts'

export interface LookedAtTrust {
  readonly trust: Trust
  /** Or why there are none. */
  readonly keys: IssuerKeys | ProviderFault
  /** Why the API server takes no question; undefined: it does, or is not asked. */
  readonly reviewFault?: ProviderFault | undefined
}

const AT_ONCE = 16
/** Of nobody. */
const NO_TOKEN = 'of-nobody'
const NOBODY = { subject: '', expiresAt: 0, tokenId: undefined, claims: {} }

const faultOf = (error: unknown): ProviderFault =>
  error instanceof ProviderFault
    ? error
    : new ProviderFault('misconfigured', { code: (error as NodeJS.ErrnoException).code })

export const lookAtTrusts = async ({
  trusts,
  settings,
  environ
}: Config): Promise<readonly LookedAtTrust[]> => {
  // By our own transport, whose failures have a code where those of Node's fetch have none.
  const fetchOf = ({ caFile, proxy }: PeerReach) =>
    fetchBy({ caFile, route: createRoute(proxy, (name) => environ[name]) })
  const load = createIssuerFetch({
    fetchOf,
    allowsClear: ({ hostname }) => settings.ENVIRONMENT === 'dev' && isLoopback(hostname)
  })
  const review = createTokenReview({ fetchOf })
  const loads = new Map<string, Promise<IssuerKeys | ProviderFault>>()
  const keysOf = (trust: Trust): Promise<IssuerKeys | ProviderFault> => {
    const place = placeOfKeys(trust)
    const known = loads.get(place) ?? load(trust).catch(faultOf)
    loads.set(place, known)
    return known
  }
  const found = new Map<string, LookedAtTrust>()
  await sideBySide(trusts, AT_ONCE, async (trust) => {
    const asked = review(trust, NO_TOKEN, NOBODY).then(() => undefined, faultOf)
    found.set(trust.name, { trust, keys: await keysOf(trust), reviewFault: await asked })
  })
  return trusts.flatMap(({ name }) => found.get(name) ?? [])
}
