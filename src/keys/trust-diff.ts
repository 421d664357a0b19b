/**
 * What two lists of trusts differ in, for each by its name. Rule: what lets more tokens in, or gives a key more, is gained;
 * what is neither more nor less but another is both.
 */
import { covers } from '../core/scope.ts'
import { boundText, type Trust } from './trust.ts'

export interface TrustMember {
  /** As `purser.yaml` calls it. */
  readonly what: string
  readonly value: string
}

export interface TrustDiff {
  readonly trust: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly lost: readonly TrustMember[]
  readonly gained: readonly TrustMember[]
}

/** What a trust gives or takes, as texts. */
type Values = ReadonlySet<string>

interface Compared {
  readonly what: string
  readonly of: (trust: Trust) => Values
  /** What it means that a trust says more of it: by default that it gives more. */
  readonly restricts?: true
  /** Whether a value stands for another one. */
  readonly covers?: (one: string, other: string) => boolean
}

const only = (text: string | undefined): Values => new Set(text === undefined ? [] : [text])

const keysText = ({ keys }: Trust): string => {
  if (keys.from === 'discovery') return 'discovery'
  return keys.from === 'url' ? keys.url : keys.file
}

const COMPARED: readonly Compared[] = [
  { what: 'issuer', of: ({ issuer }) => only(issuer) },
  { what: 'audience', of: ({ audience }) => only(audience) },
  { what: 'jwks', of: (trust) => only(keysText(trust)) },
  { what: 'caFile', of: ({ caFile }) => only(caFile ?? 'public authorities') },
  { what: 'algorithms', of: ({ algorithms }) => new Set(algorithms) },
  {
    what: 'check',
    of: ({ review }) => only(review && `tokenReview ${review.url}`),
    restricts: true
  },
  { what: 'grant.client', of: ({ grant }) => only(grant.client) },
  { what: 'grant.scopes', of: ({ grant }) => new Set(grant.scopes), covers },
  { what: 'grant.mode', of: ({ grant }) => new Set(grant.mode) }
]

interface Sides {
  readonly lost: TrustMember[]
  readonly gained: TrustMember[]
}

const without = (
  some: Values,
  others: Values,
  isFor: (one: string, other: string) => boolean
): string[] => [...some].filter((one) => ![...others].some((other) => isFor(other, one)))

const diffValues = (before: Trust, after: Trust, sides: Sides): void => {
  for (const { what, of, restricts, covers: isFor = Object.is } of COMPARED) {
    const [then, next] = [of(before), of(after)]
    const fewer = without(then, next, isFor).map((value) => ({ what, value }))
    const more = without(next, then, isFor).map((value) => ({ what, value }))
    sides.lost.push(...(restricts ? more : fewer))
    sides.gained.push(...(restricts ? fewer : more))
  }
}

/** More seconds are more. */
const SECONDS: readonly (readonly [string, (trust: Trust) => number | undefined])[] = [
  ['grant.ttlSeconds', ({ grant }) => grant.ttlSeconds],
  ['maxTokenAgeSeconds', ({ maxTokenAgeSeconds }) => maxTokenAgeSeconds]
]

const diffSeconds = (before: Trust, after: Trust, { lost, gained }: Sides): void => {
  for (const [what, of] of SECONDS) {
    const [then, next] = [of(before), of(after)]
    if (then === next) continue
    const isMore = (next ?? Infinity) > (then ?? Infinity)
    ;(isMore ? gained : lost).push({ what, value: `${next ?? 'none'} (was ${then ?? 'none'})` })
  }
}

const bindOf = ({ bind }: Trust): ReadonlyMap<string, Trust['bind'][number]> =>
  new Map(bind.map((one) => [one.claim.join('/'), one]))

/** A claim that is bound no more lets more in, and so does one more value of it. */
const diffBind = (before: Trust, after: Trust, { lost, gained }: Sides): void => {
  const [then, next] = [bindOf(before), bindOf(after)]
  for (const place of [...new Set([...then.keys(), ...next.keys()])].sort()) {
    const [was, is] = [then.get(place), next.get(place)]
    const member = (one: Trust['bind'][number], values = one.values) => ({
      what: 'bind',
      value: boundText({ ...one, values })
    })
    if (was === undefined && is !== undefined) {
      lost.push({ what: 'bind', value: `whatever is not ${member(is).value}` })
    } else if (is === undefined && was !== undefined) {
      gained.push({ what: 'bind', value: `whatever is not ${member(was).value}` })
    } else if (was !== undefined && is !== undefined) {
      const more = is.values.filter((value) => !was.values.includes(value))
      const fewer = was.values.filter((value) => !is.values.includes(value))
      if (more.length > 0) gained.push(member(is, more))
      if (fewer.length > 0) lost.push(member(was, fewer))
    }
  }
}

const wholeOf = (trust: Trust): TrustMember[] => [
  ...COMPARED.flatMap(({ what, of }) => [...of(trust)].map((value) => ({ what, value }))),
  ...SECONDS.flatMap(([what, of]) => {
    const seconds = of(trust)
    return seconds === undefined ? [] : [{ what, value: String(seconds) }]
  }),
  ...trust.bind.map((one) => ({ what: 'bind', value: boundText(one) }))
]

const changed = (before: Trust, after: Trust): TrustDiff => {
  const sides: Sides = { lost: [], gained: [] }
  diffValues(before, after, sides)
  diffSeconds(before, after, sides)
  diffBind(before, after, sides)
  return { trust: after.name, change: 'changed', ...sides }
}

/** Only trusts with a difference, in order of their names. */
export const diffTrusts = (before: readonly Trust[], after: readonly Trust[]): TrustDiff[] => {
  const [then, next] = [before, after].map((all) => new Map(all.map((one) => [one.name, one])))
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort()
  return names.flatMap((trust): TrustDiff[] => {
    const [was, is] = [then?.get(trust), next?.get(trust)]
    if (was === undefined && is !== undefined) {
      return [{ trust, change: 'added', lost: [], gained: wholeOf(is) }]
    }
    if (was !== undefined && is === undefined) {
      return [{ trust, change: 'removed', lost: wholeOf(was), gained: [] }]
    }
    const diff = was !== undefined && is !== undefined ? [changed(was, is)] : []
    return diff.filter(({ lost, gained }) => lost.length + gained.length > 0)
  })
}
