/**
 * All secrets of a store that the caller may read, which Dapr asks for at once. Rule: the answer is whole or an error, since
 * the dialect has no way to say that there is more; each secret is paid for as a read.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Target } from '../../config/door-entries.ts'
import type { Caller } from '../../core/caller.ts'
import { type ProblemCode, ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import { ANSWER_MAX } from '../../http/disclosure.ts'
import type { Disclosure } from '../../secrets/broker.ts'
import { lengthOf } from '../../secrets/content.ts'
import type { View } from '../../secrets/view.ts'
import type { DoorMeans } from '../means.ts'
import { prefixOf, refuse, wantedOf } from '../target.ts'
import { AS_STORED } from '../text.ts'

type Means = Pick<DoorMeans, 'broker' | 'mayKnow'>
type Secret = readonly [key: string, view: View]

const PAGE = 100
/** Of a store's secrets, at most. */
const PAGES_MAX = 10

const tooMany = (): ProblemError =>
  new ProblemError('payload_too_large', {
    detail: 'too much for one answer: lead the store to a folder, or ask for each secret'
  })

/** Of a secret that is gone, or that lacks a tag, nothing is told. */
const LEFT_OUT: ReadonlySet<ProblemCode> = new Set([
  'access_denied',
  'secret_not_found',
  'field_not_found'
])

/** Takes results in, until there is no room for more. */
const createGathering = () => {
  const secrets: Secret[] = []
  let size = 0
  return {
    secrets,
    take: (result: Disclosure | ProblemError, keyOf: (view: View) => string): void => {
      if (result instanceof ProblemError) {
        if (LEFT_OUT.has(result.code)) return
        throw result
      }
      const { view } = result
      size += lengthOf(view.selection)
      if (size > ANSWER_MAX) throw tooMany()
      secrets.push([keyOf(view), view])
    }
  }
}

/** What counts reads against the caller; the request itself has paid for the first. */
const createCharge = (request: FastifyRequest, reply: FastifyReply) => {
  let paid = 1
  return (reads: number): ProblemError | undefined => {
    const more = Math.max(0, reads - paid)
    paid = Math.max(0, paid - reads)
    return request.server.chargeKey(request, reply, more)
  }
}

type Charge = ReturnType<typeof createCharge>
type Turn = () => Promise<void>

const readBelow = async (
  { broker }: Means,
  caller: Caller,
  { prefix, from }: { readonly prefix: string; readonly from: number },
  charge: Charge,
  turn: Turn
): Promise<readonly Secret[]> => {
  const { secrets, take } = createGathering()
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    await turn()
    const rest = cursor === undefined ? {} : { cursor, isOnRecord: true as const }
    const asked = { prefix, limit: PAGE, charge, ...rest }
    const found = await broker.listSecrets(caller, asked, AS_STORED)
    for (const { result } of found.results)
      take(result, ({ reference }) => reference.path.slice(from))
    cursor = found.cursor
    if (cursor === undefined) return secrets
  }
  throw tooMany()
}

const readNames = async (
  { broker }: Means,
  caller: Caller,
  target: Target,
  charge: Charge,
  turn: Turn
): Promise<readonly Secret[]> => {
  const { secrets, take } = createGathering()
  const names = await broker.listConfigured(caller)
  if (names.length > PAGE * PAGES_MAX) throw tooMany()
  const limited = charge(names.length)
  if (limited !== undefined) throw limited
  for (let at = 0; at < names.length; at += PAGE) {
    const some = names.slice(at, at + PAGE)
    await turn()
    const wanted = some.map((name) => wantedOf(target, name))
    const results = await broker.readSecrets(caller, wanted, AS_STORED)
    for (const [i, result] of results.entries()) take(result, () => some[i] ?? '')
  }
  return secrets
}

/** Undefined leads nowhere. Rejects with a ProblemError. */
export const readBulk = async (
  means: Means,
  request: FastifyRequest,
  reply: FastifyReply,
  target: Target | undefined
): Promise<readonly Secret[]> => {
  const caller = callerOf(request)
  const charge = createCharge(request, reply)
  const turn = (): Promise<void> => request.server.largeWork(request)
  if (target === undefined || !means.mayKnow(caller.client, target)) {
    return refuse(means.broker, caller, target, 'x')
  }
  if (target.kind === 'names') return readNames(means, caller, target, charge, turn)
  const prefix = prefixOf(target, '') ?? ''
  return readBelow(means, caller, { prefix, from: target.path.length }, charge, turn)
}
