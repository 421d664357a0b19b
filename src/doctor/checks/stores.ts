/** Checks of the configured stores, as the service sees them. */
import type { FaultReason, ProviderFault } from '../../core/fault.ts'
import { type Check, type Finding, fail, untold, warn } from '../check.ts'
import type { Installation } from '../installation.ts'
import type { LookedAt } from '../looked-at.ts'
import { ofSkew } from './redis.ts'

const MENDS: Readonly<Partial<Record<FaultReason, string>>> = {
  denied: "does not take Purser's login: renew its credential, or its rights",
  misconfigured: 'is not what its settings say: compare address, place and credential',
  invalid_answer: 'answers what no such store answers: see what stands at its address',
  throttled: 'refuses for now, since it is asked too often: look at its quota',
  unavailable: 'does not answer: see that it runs and can be reached from here',
  timeout: 'does not answer in time: see that it can be reached from here'
}

const wrong = ({ reason, code, status }: ProviderFault): string => {
  const facts = [code, status].filter((fact) => fact !== undefined)
  const told = facts.length > 0 ? ` (${facts.join(', ')})` : ''
  return `${MENDS[reason] ?? 'fails'}${told}`
}

const ofEach =
  (find: (store: LookedAt) => readonly Finding[]) =>
  async ({ peers }: Installation): Promise<readonly Finding[]> =>
    (await peers.stores()).all
      .filter(({ kind, isSpared }) => kind !== 'local' && isSpared !== true)
      .flatMap(find)

const silent = (name: string, what: string): readonly Finding[] => [
  untold(`${what}: the store ${name} does not answer`)
]

const RIGHTS_AT = "what its login may do, and compare it with the README's table"

const ofRights = ({ name, fault, rights, rightsAt = RIGHTS_AT }: LookedAt): readonly Finding[] => {
  if (fault !== undefined) return silent(name, 'whether its rights are the least')
  if (rights === undefined) {
    return [
      untold(
        `whether the rights at the store ${name} are the least: it does not tell Purser: look at ${rightsAt}`
      )
    ]
  }
  const { lacking, excess } = rights
  return [
    ...lacking.map((what) =>
      fail(`the store ${name} does not let Purser ${what}, which a rule or name asks for: grant it`)
    ),
    ...excess.map((what) =>
      warn(`the store ${name} lets Purser ${what}, which it does not need: take that right away`)
    )
  ]
}

const idle = ({ config }: Installation): string | undefined =>
  config?.stores.every(({ plugin }) => plugin.kind === 'local')
    ? 'no store is elsewhere'
    : undefined

export const storesChecks: readonly Check[] = [
  {
    id: 'stores-reachable',
    title: 'every store answers and takes the login',
    run: async ({ peers }) => {
      const { faults, all } = await peers.stores()
      return [
        ...faults.map(({ place, message }) => fail(`${place}: ${message}`)),
        ...all
          .filter(({ isSpared }) => isSpared)
          .map(({ name }) =>
            untold(
              `whether the store ${name} answers: a login would use up its wrapped credential, or that of the store which keeps its own`
            )
          ),
        ...all.flatMap(({ name, fault }) =>
          fault === undefined ? [] : [fail(`the store ${name} ${wrong(fault)}`)]
        )
      ]
    }
  },
  {
    id: 'stores-clock',
    title: 'the clocks of the stores are that of this machine',
    idle,
    run: ofEach(({ name, fault, skewMs }) => {
      if (fault !== undefined) return silent(name, 'what time it is there')
      if (skewMs === undefined) return [untold(`what time it is at the store ${name}`)]
      return ofSkew(`the store ${name}`, skewMs)
    })
  },
  {
    id: 'stores-rights',
    title: 'Purser may do at the stores what it needs, and no more',
    idle,
    run: ofEach(ofRights)
  }
]
