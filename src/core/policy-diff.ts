/**
 * What two lists of rules differ in, for each client that one of them names and for all others. Rule: only what a
 * client has in the end counts, so rules that say the same in another shape are no difference.
 */
import type { Grants, PolicyRule } from './policy.ts'
import { parseUntil } from './until.ts'

export interface Right {
  readonly list: keyof Grants
  /** As it is written. */
  readonly pattern: string
}

export interface ClientDiff {
  /** `*`: every client that no rule names. */
  readonly client: string
  /** `from`: not at once but then, since a rule ends. ISO 8601. */
  readonly lost: readonly (Right & { readonly from?: string })[]
  /** `until`: when the rule ends. ISO 8601. */
  readonly gained: readonly (Right & { readonly until?: string })[]
}

const EVERY_CLIENT = '*'
const LISTS = ['bots', 'channels', 'read', 'write'] as const
const NEVER = Number.NEGATIVE_INFINITY

const clientsOf = ({ client }: PolicyRule): readonly string[] =>
  typeof client === 'string' ? [client] : client

/** By right, as one text: when the last rule that gives it ends. */
type Ends = ReadonlyMap<string, number>

const endsOf = (rules: readonly PolicyRule[], client: string, now: number): Ends => {
  const ends = new Map<string, number>()
  for (const rule of rules) {
    const clients = clientsOf(rule)
    const end = rule.until === undefined ? Number.POSITIVE_INFINITY : parseUntil(rule.until)
    if (!(clients.includes(client) || clients.includes(EVERY_CLIENT))) continue
    if (end === undefined || end <= now) continue
    for (const list of LISTS) {
      for (const pattern of rule[list] ?? []) {
        const right = `${list} ${pattern}`
        ends.set(right, Math.max(end, ends.get(right) ?? NEVER))
      }
    }
  }
  return ends
}

const rightIn = (text: string): Right => {
  const space = text.indexOf(' ')
  return { list: text.slice(0, space) as Right['list'], pattern: text.slice(space + 1) }
}

const at = (time: number): string | undefined =>
  Number.isFinite(time) ? new Date(time).toISOString() : undefined

const diffEnds = (client: string, before: Ends, after: Ends): ClientDiff => {
  const lost: ClientDiff['lost'][number][] = []
  const gained: ClientDiff['gained'][number][] = []
  for (const text of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [then, next] = [before.get(text) ?? NEVER, after.get(text) ?? NEVER]
    const end = at(next)
    if (next < then) lost.push({ ...rightIn(text), ...(end !== undefined && { from: end }) })
    if (next > then) gained.push({ ...rightIn(text), ...(end !== undefined && { until: end }) })
  }
  return { client, lost, gained }
}

/** Both without fault. `now` in milliseconds since the epoch. Only clients with a difference, in order of their names. */
export const diffRules = (
  before: readonly PolicyRule[],
  after: readonly PolicyRule[],
  now: number
): ClientDiff[] => {
  const named = [...before, ...after].flatMap(clientsOf)
  const everyClient = diffEnds(
    EVERY_CLIENT,
    endsOf(before, EVERY_CLIENT, now),
    endsOf(after, EVERY_CLIENT, now)
  )
  const each = [...new Set(named)]
    .filter((client) => client !== EVERY_CLIENT)
    .sort()
    .map((client) => diffEnds(client, endsOf(before, client, now), endsOf(after, client, now)))
  return [...each, everyClient].filter(({ lost, gained }) => lost.length + gained.length > 0)
}
