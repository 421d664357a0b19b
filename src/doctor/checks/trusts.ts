/** Checks of `trusts:`: whether anybody can log in by each of them. */
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { type Check, type Finding, fail, warn } from '../check.ts'
import type { Installation } from '../installation.ts'
import type { LookedAtTrust } from '../looked-at-trusts.ts'
import { MEND_FIRST, NotKnown } from '../not-known.ts'

const MENDS: Readonly<Partial<Record<FaultReason, string>>> = {
  misconfigured:
    'cannot be verified or asked as the trust says: compare its caFile, tokenFile, proxy and address',
  invalid_answer: 'answers what none does: see what stands at its address',
  unavailable: 'does not answer: see that it runs and can be reached from here',
  timeout: 'does not answer in time: see that it can be reached from here'
}

/** By our own codes. */
const OF_CODE: Readonly<Record<string, string>> = {
  other_issuer: 'has metadata that name another issuer: write `issuer` as they do, to the letter',
  keys_elsewhere: 'has its keys on another host: write that address as `jwks: { url }`'
}

const NO_ENTRY: ReadonlySet<number | undefined> = new Set([401, 403])

const mendOf = ({ reason, code, status }: ProviderFault, noEntry: string): string => {
  const ours = OF_CODE[code ?? '']
  if (ours !== undefined) return ours
  const facts = [code, status].filter((fact) => fact !== undefined)
  const told = facts.length > 0 ? ` (${facts.join(', ')})` : ''
  return `${(NO_ENTRY.has(status) ? noEntry : MENDS[reason]) ?? 'fails'}${told}`
}

const ISSUER_KEPT =
  '; a service that runs goes on with the keys that it has, for a day after it got them at most'

const ofKeys = ({ trust, keys }: LookedAtTrust): readonly Finding[] => {
  const { name, keys: source, algorithms } = trust
  if (keys instanceof ProviderFault) {
    if (source.from === 'file') {
      return [fail(`the trust ${name}: its file of keys cannot be read, or is no JWKS: mend it`)]
    }
    const noEntry = 'does not let Purser ask for its keys: give it `tokenFile`'
    return [fail(`the trust ${name}: its issuer ${mendOf(keys, noEntry)}${ISSUER_KEPT}`)]
  }
  if (keys.countFor(algorithms) > 0) return []
  return [
    fail(
      `the trust ${name}: of ${keys.count} keys of its issuer none is for ${algorithms.join(', ')}: set \`algorithms\` to what the issuer signs with`
    )
  ]
}

const ofReview = ({ trust: { name }, reviewFault }: LookedAtTrust): readonly Finding[] => {
  if (reviewFault === undefined) return []
  const noEntry =
    'does not take its question: renew `apiServer.tokenFile`, and bind that account to the ClusterRole system:auth-delegator'
  return [
    fail(
      `the trust ${name}: its API server ${mendOf(reviewFault, noEntry)}; until then nobody logs in by it`
    )
  ]
}

const ofClients = ({ config }: Installation): readonly Finding[] => {
  if (config === undefined) throw new NotKnown(MEND_FIRST)
  const named = new Set(config.policies.flatMap(({ client }) => [client].flat()))
  if (named.has('*')) return []
  return config.trusts
    .filter(({ grant }) => !named.has(grant.client))
    .map(({ name, grant }) =>
      warn(
        `the trust ${name}: no policy is for its client ${grant.client}, whose keys read nothing: add one, or take another client`
      )
    )
}

const idle = ({ config }: Installation): string | undefined =>
  config?.trusts.length === 0 ? 'there is no trust' : undefined

export const trustsChecks: readonly Check[] = [
  {
    id: 'trusts-keys',
    title: 'the keys of the issuers of all trusts can be had, and verify what they sign',
    idle,
    run: async ({ peers }) => (await peers.trusts()).flatMap(ofKeys)
  },
  {
    id: 'trusts-review',
    title: 'every API server that a trust asks about tokens answers',
    idle: (on) =>
      idle(on) ??
      (on.config?.trusts.every(({ review }) => review === undefined)
        ? 'no trust asks one'
        : undefined),
    run: async ({ peers }) => (await peers.trusts()).flatMap(ofReview)
  },
  {
    id: 'trusts-clients',
    title: 'whoever logs in by a trust is somebody in the policy',
    idle,
    run: ofClients
  }
]
