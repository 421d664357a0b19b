/** What callers ask for, as a table: how often, and what may come of it. Rule: every way to a value is in it, and every way to be refused. */
import { CLIENTS, type Client, type Secret, STORES, type StoreName } from './catalog.ts'
import type { IssuedKey } from './revocations.ts'
import type { World } from './world.ts'

export interface Chance {
  readonly random: () => number
  readonly pick: <T>(all: readonly T[]) => T
}

/** What may come of it beside its success; `refused` has none. */
export type Expected = 'value' | 'forbidden' | 'refused' | 'change' | 'issued key'

export interface Question {
  readonly name: string
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: object
  /** Whose values may stand in the answer: without version and field. */
  readonly asked: readonly string[]
  readonly field?: string
  readonly expects: Expected
  /** Of `issued key`, and of a revocation. */
  readonly key?: IssuedKey
}

type Ask = (world: World, chance: Chance) => Question | undefined

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

const urlOf = (path: string, query: Readonly<Record<string, string | readonly string[]>>): string =>
  `${path}?${new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one as string])
    )
  )}`

const FIELDS = ['password', 'user'] as const

/** Some secrets are asked for more often than others. */
const oneOf = ({ catalog }: World, client: Client, chance: Chance): Secret => {
  const all = catalog.of(client)
  return all[Math.floor(chance.random() ** 2 * all.length)] ?? chance.pick(all)
}

const get = (
  name: string,
  operationId: string,
  path: string,
  key: string,
  rest: Pick<Question, 'asked' | 'expects'> & Partial<Question>
): Question => ({
  name,
  operationId,
  method: 'GET',
  path,
  ...rest,
  headers: { ...bearer(key), ...rest.headers }
})

const single =
  (name: string, headers: Readonly<Record<string, string>> = {}): Ask =>
  (world, chance) => {
    const client = chance.pick(CLIENTS)
    const { ref } = oneOf(world, client, chance)
    const field = chance.random() < 0.5 ? chance.pick(FIELDS) : undefined
    const path = urlOf('/v1/secrets', { ref: field === undefined ? ref : `${ref}#${field}` })
    const rest = { asked: [ref], expects: 'value', headers, ...(field && { field }) } as const
    return get(name, 'readSecret', path, world.callers.read[client], rest)
  }

/** By whoever has seen an entity tag. */
const etags = new Map<string, string>()
export const noteEtag = (ref: string, etag: unknown): void => {
  if (typeof etag === 'string') etags.set(ref, etag)
}
const conditional: Ask = (world, chance) => {
  const client = chance.pick(CLIENTS)
  const { ref } = oneOf(world, client, chance)
  const headers = { 'if-none-match': etags.get(ref) ?? '"none"' }
  const rest = { asked: [ref], expects: 'value', headers } as const
  return get(
    'conditional',
    'readSecret',
    urlOf('/v1/secrets', { ref }),
    world.callers.read[client],
    rest
  )
}

const byName: Ask = ({ callers }, chance) => {
  const client = chance.pick(CLIENTS)
  return get('by name', 'readSecretByName', `/v1/secrets/name-${client}`, callers.read[client], {
    asked: [`cluster:${client}/s1`],
    field: 'password',
    expects: 'value'
  })
}

/** Some of their own, and one of somebody else's. */
const batch =
  (isPosted: boolean): Ask =>
  (world, chance) => {
    const client = chance.pick(CLIENTS)
    const other = CLIENTS.find((one) => one !== client) ?? client
    const mine = Array.from({ length: 5 }, () => oneOf(world, client, chance).ref)
    const refs = [...new Set(mine), oneOf(world, other, chance).ref]
    const { read, all } = world.callers
    const rest = { asked: mine, expects: 'value' } as const
    if (!isPosted) {
      const path = urlOf('/v1/secrets/batch', { ref: refs })
      return get('batch', 'readSecrets', path, read[client], rest)
    }
    return {
      ...get('batch, posted', 'readSecretsPosted', '/v1/secrets/batch', all[client], rest),
      method: 'POST',
      payload: { refs }
    }
  }

const LISTING: readonly StoreName[] = ['aws', 'vault']
const prefix: Ask = ({ catalog, callers }, chance) => {
  const client = chance.pick(CLIENTS)
  const store = chance.pick(LISTING)
  const own = catalog.of(client).filter((secret) => secret.store === store)
  const below = store === 'vault' ? `vault:kv/${client}/` : `aws:${client}/`
  const path = urlOf('/v1/secrets', { prefix: below })
  const asked = own.map(({ ref }) => ref)
  return get('below a prefix', 'readSecret', path, callers.read[client], {
    asked,
    expects: 'value'
  })
}

const bot: Ask = ({ callers }, chance) => {
  const client = chance.pick(CLIENTS)
  return get(
    'bot',
    'readBotCredentials',
    `/v1/bots/bot-${client}/credentials`,
    callers.all[client],
    {
      asked: [`aws:${client}/s0`, `vault:kv/${client}/s0`],
      expects: 'value'
    }
  )
}

/** The other client's, or what is nobody's. */
const forbidden: Ask = (world, chance) => {
  const [client, other] = chance.random() < 0.5 ? CLIENTS : [CLIENTS[1], CLIENTS[0]]
  const strange = `${chance.pick(STORES)}:nobody/${Math.floor(chance.random() * 9)}`
  const ref = chance.random() < 0.8 ? oneOf(world, other, chance).ref : strange
  const key = world.callers.read[client]
  const rest = { asked: [], expects: 'forbidden' } as const
  return chance.random() < 0.8
    ? get('forbidden', 'readSecret', urlOf('/v1/secrets', { ref }), key, rest)
    : get('forbidden name', 'readSecretByName', `/v1/secrets/name-${other}`, key, rest)
}

const otherScope: Ask = (world, chance) =>
  get(
    'of another scope',
    'readSecret',
    urlOf('/v1/secrets', { ref: oneOf(world, 'team-a', chance).ref }),
    world.callers.otherScope,
    { asked: [], expects: 'forbidden' }
  )

const refusedKey: Ask = (world, chance) =>
  get(
    'with a refused key',
    'readSecret',
    urlOf('/v1/secrets', { ref: oneOf(world, 'team-a', chance).ref }),
    chance.pick(world.callers.refused),
    { asked: [], expects: 'refused' }
  )

const invalidate: Ask = ({ catalog, callers }, chance) => {
  const { ref, store } = chance.pick(catalog.all)
  if (store !== 'local') catalog.raise(ref)
  return {
    name: 'invalidate',
    operationId: 'invalidateCache',
    method: 'POST',
    path: '/internal/cache/invalidate',
    headers: { 'x-internal-secret': callers.internalSecret },
    payload: chance.random() < 0.9 ? { ref } : { store },
    asked: [],
    expects: 'change'
  }
}

/** However fast the callers are, so that half an hour leaves a list of revocations that an operator might have. */
const ISSUE_EVERY_MS = 700
let issuedAt = Number.NEGATIVE_INFINITY

const issueNow = ({ callers }: World): Question => ({
  name: 'issue a key',
  operationId: 'issueKey',
  method: 'POST',
  path: '/v1/admin/keys',
  headers: bearer(callers.admin),
  payload: { client: 'team-a', scopes: ['aura-services:secrets'], mode: 'r', expires: '2d' },
  asked: [],
  expects: 'change'
})

const issue: Ask = (world) => {
  if (performance.now() - issuedAt < ISSUE_EVERY_MS) return undefined
  issuedAt = performance.now()
  return issueNow(world)
}

const revoke: Ask = ({ callers, keys }) => {
  const key = keys.oldestLive()
  if (key === undefined) return undefined
  return {
    name: 'revoke a key',
    operationId: 'revokeKey',
    method: 'DELETE',
    path: `/v1/admin/keys/${key.keyId}`,
    headers: bearer(callers.admin),
    asked: [],
    expects: 'change',
    key
  }
}

const issuedKey: Ask = (world, chance) => {
  const key = world.keys.any(chance.random)
  if (key === undefined) return undefined
  const { ref } = oneOf(world, 'team-a', chance)
  const path = urlOf('/v1/secrets', { ref })
  const rest = { asked: [ref], expects: 'issued key', key } as const
  return get('with an issued key', 'readSecret', path, key.apiKey, rest)
}

/** Each with its weight. */
export const OPERATIONS: readonly (readonly [number, Ask])[] = [
  [30, single('by reference')],
  [4, single('no-cache', { 'cache-control': 'no-cache' })],
  [10, conditional],
  [8, byName],
  [6, batch(false)],
  [3, batch(true)],
  [2, prefix],
  [6, bot],
  [8, forbidden],
  [2, otherScope],
  [5, refusedKey],
  [2, invalidate],
  [5, issue],
  [5, revoke],
  [12, issuedKey]
]

const SUM = OPERATIONS.reduce((sum, [weight]) => sum + weight, 0)

export const nextQuestion = (world: World, chance: Chance): Question => {
  for (;;) {
    let left = chance.random() * SUM
    const [, ask] =
      OPERATIONS.find(([weight]) => {
        left -= weight
        return left < 0
      }) ?? []
    const question = ask?.(world, chance)
    if (question !== undefined) return question
  }
}
