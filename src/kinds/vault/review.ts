/**
 * What Vault says that our token may do. Rule: it is asked (sys/capabilities-self, which the policy `default` allows)
 * and nothing is tried. https://developer.hashicorp.com/vault/api-docs/system/capabilities-self
 */
import { Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { fits } from '../../core/fits.ts'
import { asJson } from '../../core/json.ts'
import type { CallOptions, Rights, Wanted } from '../provider.ts'
import { requestOptions, type VaultClient } from './client.ts'
import { dataPath, locate, type Mount } from './mounts.ts'
import type { Session } from './session.ts'

const PATH = 'sys/capabilities-self'
const Answer = Type.Object({ data: Type.Record(Type.String(), Type.Unknown()) })
const Capabilities = Type.Array(Type.String())

/** What lets a token change who may do what; no store needs it. */
const POWERS: readonly (readonly [path: string, what: string])[] = [
  ['sys/policies/acl/purser-doctor', 'change policies'],
  ['sys/auth/purser-doctor', 'change ways to log in'],
  ['sys/mounts/purser-doctor', 'change mounts'],
  ['auth/token/create', 'make tokens']
]
const CHANGING = ['create', 'update', 'sudo', 'root']

/** Nobody has a secret of that name: what holds for it comes from a pattern. */
const ANY_SECRET = 'purser-doctor'

type May = (path: string, capabilities: readonly string[]) => boolean

const ask = async (
  client: VaultClient,
  session: Session,
  paths: readonly string[],
  options: CallOptions
): Promise<May> => {
  const text: string = await session.use(
    (token) => client.write(PATH, { paths }, requestOptions(options, token)),
    async () => false,
    options
  )
  const answer = asJson(text)
  if (!fits(Answer, answer)) throw new ProviderFault('invalid_answer')
  const granted = new Map(Object.entries(answer.data))
  return (path, capabilities) => {
    const has = granted.get(path)
    if (!fits(Capabilities, has)) throw new ProviderFault('invalid_answer')
    return capabilities.some((one) => has.includes(one))
  }
}

/** Throws ProviderFault. */
export const reviewRights = async (
  client: VaultClient,
  session: Session,
  mounts: readonly Mount[],
  { reads, writes }: Wanted,
  options: CallOptions
): Promise<Rights> => {
  const placeOf = (path: string): string => decodeURIComponent(dataPath(locate(mounts, path)))
  const wanted = reads.map(placeOf)
  const inMounts = mounts.map(({ path }) => [path, placeOf(`${path}/${ANY_SECRET}`)] as const)
  const all = [...wanted, ...inMounts.map(([, place]) => place), ...POWERS.map(([path]) => path)]
  const may = await ask(client, session, [...new Set(all)], options)
  const powers = POWERS.filter(([path]) => may(path, CHANGING)).map(([, what]) => what)
  const ofMounts = inMounts.flatMap(([mount, place]) => [
    ...(may(place, ['delete', 'root']) ? [`delete secrets in ${mount}`] : []),
    ...(!writes && may(place, ['create', 'update', 'patch', 'root'])
      ? [`write secrets in ${mount}`]
      : [])
  ])
  return {
    lacking: wanted.filter((path) => !may(path, ['read', 'root'])).map((path) => `read ${path}`),
    excess: [...powers, ...ofMounts]
  }
}
