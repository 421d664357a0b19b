/** GetSecretValue, BatchGetSecretValue, DescribeSecret and ListSecrets. */
import type { Target } from '../../config/door-entries.ts'
import { ProblemError, toProblem } from '../../core/problem.ts'
import { ANSWER_MAX } from '../../http/disclosure.ts'
import { lengthOf } from '../../secrets/content.ts'
import type { View } from '../../secrets/view.ts'
import { prefixOf, refuse } from '../target.ts'
import { AS_STORED } from '../text.ts'
import { description, listed, secretValue } from './answers.ts'
import type { Ask, Operation } from './ask.ts'
import { errorTextOf } from './errors.ts'
import { bodyReader } from './request.ts'
import {
  BatchGetSecretValueRequest,
  DescribeSecretRequest,
  GetSecretValueRequest,
  ListSecretsRequest
} from './schemas.ts'
import { type Found, findSecret, identityOf, type Named, namedBy, ONLY_CURRENT } from './secrets.ts'

const readGet = bodyReader(GetSecretValueRequest)

export const getSecretValue: Operation = async ({ place, caller, body, region }) => {
  const { SecretId, VersionId: versionId, VersionStage: stage } = readGet(body)
  const found = await findSecret(place, caller, SecretId, { versionId, stage })
  return { views: [found.view], write: () => secretValue(place, region, found) }
}

const readDescribe = bodyReader(DescribeSecretRequest)

export const describeSecret: Operation = async ({ place, caller, body, region }) => {
  const { SecretId } = readDescribe(body)
  const found = await findSecret(place, caller, SecretId)
  return { views: [], write: () => description(place, region, found) }
}

/** More than one read is paid for as so many. Rejects with `rate_limited`. */
const charge = async ({ request, reply }: Ask, reads: number): Promise<void> => {
  const limited = request.server.chargeKey(request, reply, Math.max(0, reads - 1))
  if (limited !== undefined) await Promise.reject(limited)
  await request.server.largeWork(request, reads)
}

type Result = Found | ProblemError

const namedOrProblem = (ask: Ask, secretId: string): Named | ProblemError => {
  try {
    return namedBy(ask.place, secretId)
  } catch (error) {
    return toProblem(error)
  }
}

/** In the order asked. */
const readAll = async (ask: Ask, ids: readonly string[]): Promise<readonly Result[]> => {
  const { place, caller } = ask
  const all = ids.map((id) => namedOrProblem(ask, id))
  const asked = all.flatMap((one) => (one instanceof ProblemError ? [] : [one.wanted]))
  const given = [...(await place.broker.readSecrets(caller, asked, AS_STORED))]
  return all.map((one) => {
    if (one instanceof ProblemError) return one
    const read = given.shift() ?? new ProblemError('internal_error')
    if (read instanceof ProblemError) return read
    return { named: one, view: read.view, stages: ONLY_CURRENT }
  })
}

/** Those for which the answer has no room are errors: they are to be asked for apart. */
const withinAnswer = (results: readonly Result[]): readonly Result[] => {
  let size = 0
  return results.map((result) => {
    if (result instanceof ProblemError) return result
    size += lengthOf(result.view.selection)
    return size <= ANSWER_MAX ? result : new ProblemError('payload_too_large')
  })
}

const readBatch = bodyReader(BatchGetSecretValueRequest)

export const batchGetSecretValue: Operation = async (ask) => {
  const { place, caller, body, region } = ask
  const { SecretIdList: ids } = readBatch(body)
  await charge(ask, ids.length)
  const results = withinAnswer(await readAll(ask, ids))
  const views: View[] = []
  const errors: string[] = []
  const values: (() => string)[] = []
  for (const [i, result] of results.entries()) {
    if (result instanceof ProblemError) {
      const { type: ErrorCode, message: Message } = errorTextOf(result, caller.requestId)
      errors.push(JSON.stringify({ SecretId: ids[i], ErrorCode, Message }))
    } else {
      views.push(result.view)
      values.push(() => secretValue(place, region, result))
    }
  }
  return {
    views,
    write: () =>
      `{"SecretValues":[${values.map((write) => write()).join(',')}],"Errors":[${errors.join(',')}]}`
  }
}

const readList = bodyReader(ListSecretsRequest)

const LIST_MAX = 100

type Filters = NonNullable<ListSecretsRequest['Filters']>

/** A filter passes names that begin with one of its values, or do not begin with `!value`; all filters have to pass one. */
const passes = (filters: Filters, name: string): boolean =>
  filters.every(({ Values }) =>
    Values.some((value) =>
      value.startsWith('!') ? !name.startsWith(value.slice(1)) : name.startsWith(value)
    )
  )

/** The folder in which all names are that can pass, if there is one: stores are listed by folders. */
const folderOf = (filters: Filters): string => {
  const [only, ...others] = filters.flatMap(({ Values }) => Values)
  if (only === undefined || others.length > 0 || only.startsWith('!')) return ''
  return only.slice(0, only.lastIndexOf('/') + 1)
}

interface Page {
  readonly items: readonly string[]
  readonly next: string | undefined
}

/** What a page is asked for. */
interface Listing {
  readonly filters: Filters
  readonly limit: number
  readonly token: string | undefined
}

/** Names of the configuration: a page goes on behind the name that its token is. */
const listConfigured = async (
  { place, caller, region }: Ask,
  { filters, limit, token = '' }: Listing
): Promise<Page> => {
  const names = (await place.broker.listConfigured(caller))
    .filter((name) => passes(filters, name))
    .sort()
  const rest = names.filter((name) => name > token)
  const given = rest.slice(0, limit)
  return {
    items: given.map((name) => {
      const one = { wanted: { text: name }, name }
      return listed(identityOf(place, region, one, { path: name }))
    }),
    next: rest.length > limit ? given.at(-1) : undefined
  }
}

/** No store is asked for a value. A folder that the store does not list for us has no place in such an answer. */
const listBelow = async (
  { place, caller, region }: Ask,
  { path: base }: Extract<Target, { readonly kind: 'below' }>,
  { filters, limit, token }: Listing
): Promise<Page> => {
  const prefix = prefixOf(place.target, folderOf(filters)) ?? ''
  const from = token !== undefined && { cursor: token }
  const page = await place.broker.listNames(caller, { prefix, limit, ...from })
  const items = page.names.flatMap(({ path, reference: text }) => {
    const name = path.slice(base.length)
    if (name === '' || !passes(filters, name)) return []
    const identity = identityOf(place, region, { wanted: { text }, name }, { path })
    return [listed(identity)]
  })
  return { items, next: page.cursor }
}

export const listSecrets: Operation = async (ask) => {
  const { place, caller, request, body } = ask
  const { Filters: filters = [], MaxResults: limit = LIST_MAX, NextToken: token } = readList(body)
  await request.server.largeWork(request)
  const { target, broker } = place
  if (!place.mayKnow(caller.client, target)) await refuse(broker, caller, target, 'x')
  const listing = { filters, limit, token }
  const { items, next } =
    target.kind === 'names'
      ? await listConfigured(ask, listing)
      : await listBelow(ask, target, listing)
  const more = next === undefined ? '' : `,"NextToken":${JSON.stringify(next)}`
  return { views: [], write: () => `{"SecretList":[${items.join(',')}]${more}}` }
}
