/**
 * Policy looked at from both ends: what a client may do, and who may read a reference. Rule: whether a pattern covers a
 * reference, and whether its rule is in force, is said by what decides reads; no store is asked but for names, on demand.
 */
import { type Static, Type } from 'typebox'
import type { Policy, PolicyRule } from '../core/policy.ts'
import { denied } from '../core/problem.ts'
import { formatReference, parseReference, type ReferenceBook } from '../core/reference.ts'
import { callerOf } from '../http/caller.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { RefText, ResolveBody, strict } from '../http/schemas.ts'
import type { KeyUsage } from '../keys/usage.ts'
import type { Broker } from '../secrets/broker.ts'

export interface ReachOptions {
  readonly rules: () => readonly PolicyRule[]
  readonly policy: () => Policy
  readonly compile: (rules: readonly PolicyRule[]) => Policy
  readonly book: () => ReferenceBook
  readonly usage: Pick<KeyUsage, 'list'>
  readonly broker: Pick<Broker, 'listReach'>
}

const Grant = Type.Object({
  rule: Type.Integer({ description: 'its place in `policies:`, from 0' }),
  pattern: Type.String(),
  until: Type.Optional(Type.String())
})
type Grant = Static<typeof Grant>
const Grants = Type.Array(Grant)

const ReachQuery = Type.Object(
  {
    client: ResolveBody.properties.client,
    names: Type.Optional(Type.Literal('true', { description: 'ask the stores for names, too' }))
  },
  strict
)
const ReachAnswer = Type.Object({
  client: Type.String(),
  read: Grants,
  write: Grants,
  bots: Type.Array(Type.String()),
  channels: Type.Array(Type.String()),
  names: Type.Optional(
    Type.Array(Type.String(), {
      description: 'those that the client of whoever asks may read, too'
    })
  ),
  isPartial: Type.Optional(Type.Boolean({ description: 'there may be more names' }))
})

const ReadersQuery = Type.Object({ ref: RefText }, strict)
const ReadersAnswer = Type.Object({
  reference: Type.String({ description: 'canonical' }),
  readers: Type.Array(
    Type.Object({
      client: Type.String({ description: 'as the rules have it; `*` is every client' }),
      grants: Grants,
      lastUsed: Type.Optional(
        Type.String({ description: 'when a key of the client was last used here' })
      )
    })
  )
})
type Readers = Static<typeof ReadersAnswer>['readers']

const EVERY_CLIENT = '*'
/** A client that no rule names: it has what the rules for all say. */
const ANYBODY = 'anybody'

const clientsOf = ({ client }: PolicyRule): readonly string[] => [client].flat()

/** The patterns of those rules for which `isMeant` holds, each as a rule of its own. */
const grantsIn = (
  rules: readonly PolicyRule[],
  list: 'read' | 'write',
  isMeant: (alone: PolicyRule, rule: PolicyRule) => boolean
): (readonly [PolicyRule, Grant])[] =>
  rules.flatMap((rule, index) => {
    const { until } = rule
    const end = until === undefined ? {} : { until }
    return (rule[list] ?? [])
      .filter((pattern) => isMeant({ client: EVERY_CLIENT, [list]: [pattern], ...end }, rule))
      .map((pattern) => [rule, { rule: index, pattern, ...end }] as const)
  })

const reachOf = (client: string, { rules, policy, compile }: ReachOptions) => {
  const isFor = (rule: PolicyRule): boolean =>
    clientsOf(rule).some((name) => name === EVERY_CLIENT || name === client)
  const grants = (list: 'read' | 'write'): Grant[] =>
    grantsIn(
      rules(),
      list,
      (alone, rule) => isFor(rule) && compile([alone]).grantsOf(ANYBODY)[list].length > 0
    ).map(([, grant]) => grant)
  const { bots, channels } = policy().grantsOf(client)
  return { client, read: grants('read'), write: grants('write'), bots, channels }
}

/** Of each client that is asked for, when a key of it was last used. */
const lastUses = async (
  usage: ReachOptions['usage'],
  clients: ReadonlySet<string>
): Promise<ReadonlyMap<string, string>> => {
  const last = new Map<string, string>()
  for await (const { client, lastUsed } of usage.list()) {
    if (clients.has(client) && lastUsed > (last.get(client) ?? '')) last.set(client, lastUsed)
  }
  return last
}

const readersOf = async (text: string, options: ReachOptions) => {
  const { rules, compile, book, usage } = options
  const reference = parseReference(text, book())
  if (reference === undefined) throw denied('unknown_store')
  const isCovered = (alone: PolicyRule): boolean =>
    compile([alone]).isAllowed(ANYBODY, 'read', reference)
  const grants = new Map<string, Grant[]>()
  for (const [rule, grant] of grantsIn(rules(), 'read', isCovered)) {
    for (const client of clientsOf(rule)) {
      grants.set(client, [...(grants.get(client) ?? []), grant])
    }
  }
  const last = await lastUses(usage, new Set(grants.keys()))
  const readers: Readers = [...grants].map(([client, of]) => {
    const lastUsed = last.get(client)
    return { client, grants: of, ...(lastUsed !== undefined && { lastUsed }) }
  })
  return { reference: formatReference(reference), readers }
}

export const addReach = (app: TypedFastify, base: string, options: ReachOptions): void => {
  const config = { auth: { kind: 'session' }, cors: false } as const
  app.get(
    `${base}/reach`,
    { config, schema: { querystring: ReachQuery, response: { 200: ReachAnswer } } },
    async (request) => {
      const { client, names } = request.query
      const reach = reachOf(client, options)
      if (names === undefined) return reach
      await app.largeWork(request)
      const found = await options.broker.listReach(callerOf(request), client)
      return { ...reach, ...found, names: [...found.names] }
    }
  )
  app.get(
    `${base}/readers`,
    { config, schema: { querystring: ReadersQuery, response: { 200: ReadersAnswer } } },
    ({ query }) => readersOf(query.ref, options)
  )
}
