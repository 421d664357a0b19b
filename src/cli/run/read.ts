/**
 * Reads everything that a plan names. Rule: it is all there or there is a failure that names what is not, each by
 * reference and code; a prefix below which there is nothing counts as a failure, for whoever may read nothing there sees
 * the same.
 */
import { asJson, isObject } from '../../core/json.ts'
import { type JsonNode, readJson } from '../../core/json-text.ts'
import { Sensitive } from '../../core/secret.ts'
import type { Answer } from '../client.ts'
import type { Plan } from './plan.ts'
import type { Purser } from './purser.ts'
import { isTemporary, type Lack, lackOf, Unread } from './unread.ts'

export interface Content {
  readonly bytes: Sensitive<Buffer>
  /** `fields`: the JSON of an object of several. */
  readonly form: 'text' | 'binary' | 'fields'
}

export interface Found {
  /** By reference as the command line has it. */
  readonly singles: ReadonlyMap<string, Content>
  /** By prefix: by canonical reference. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, Content>>
}

const BATCH_MAX = 100
/** Characters: proxies take less than the service does. */
const QUERY_MAX = 6_000
/** As many as can be listened to. */
const SECRETS_MAX = 1_000
const PAGES_MAX = 100

/** Queries of references, as few as their number and their length allow. */
export const queriesOf = (refs: readonly string[]): { query: string; refs: string[] }[] => {
  const queries: { query: string; refs: string[] }[] = []
  for (const ref of refs) {
    const part = `ref=${encodeURIComponent(ref)}`
    const last = queries.at(-1)
    if (
      last === undefined ||
      last.refs.length >= BATCH_MAX ||
      last.query.length + part.length >= QUERY_MAX
    ) {
      queries.push({ query: part, refs: [ref] })
    } else {
      last.query += `&${part}`
      last.refs.push(ref)
    }
  }
  return queries
}

interface Result {
  readonly ref: string
  readonly status: number
  readonly content: Content | undefined
  readonly problem: unknown
}

const contentOf = (
  value: Readonly<Record<string, unknown>>,
  node: JsonNode
): Content | undefined => {
  const data = node.members?.get('data')
  if (data !== undefined) return { bytes: new Sensitive(Buffer.from(data.text)), form: 'fields' }
  const { value: text, encoding } = value
  if (typeof text !== 'string') return undefined
  return encoding === 'base64'
    ? { bytes: new Sensitive(Buffer.from(text, 'base64')), form: 'binary' }
    : { bytes: new Sensitive(Buffer.from(text)), form: 'text' }
}

const unexpected = (what: string | undefined): Unread =>
  new Unread([{ what, code: 'unexpected_answer', why: 'The answer is not one of this service' }])

const resultsIn = (body: string): { results: Result[]; cursor: string | undefined } => {
  const parsed = asJson(body)
  const items = readJson(body)?.members?.get('results')?.items
  if (!isObject(parsed) || !Array.isArray(parsed['results']) || items === undefined) {
    throw unexpected(undefined)
  }
  const results = parsed['results'].map((one: unknown, i): Result => {
    const node = items[i]
    if (!isObject(one) || node === undefined) throw unexpected(undefined)
    const { ref, status, problem } = one
    if (typeof ref !== 'string' || typeof status !== 'number') throw unexpected(undefined)
    return { ref, status, problem, content: status === 200 ? contentOf(one, node) : undefined }
  })
  const { cursor } = parsed
  return { results, cursor: typeof cursor === 'string' ? cursor : undefined }
}

/** What is lacking, to be told all at once. */
interface Lacking {
  readonly lacks: Lack[]
  readonly statuses: number[]
}

/** An answer had no room for it. */
const TOO_LARGE = 413

const take = (into: Map<string, Content>, lacking: Lacking, { ref, ...result }: Result): void => {
  if (result.content !== undefined) {
    into.set(ref, result.content)
    return
  }
  lacking.lacks.push(lackOf(ref, result.problem, result.status))
  lacking.statuses.push(result.status)
}

/** Each in an answer of its own, where one for several has no room: its lack becomes that of a single one. */
const readApart = async (
  purser: Purser,
  results: readonly Result[],
  signal: AbortSignal
): Promise<Result[]> => {
  const read: Result[] = []
  for (const result of results) {
    const isAlone = results.length === 1
    if (result.status !== TOO_LARGE || isAlone) read.push(result)
    else {
      const path = `/v1/secrets/batch?ref=${encodeURIComponent(result.ref)}`
      const answer = await purser.ask({ path, signal })
      read.push({ ...(resultsIn(answer.text).results[0] ?? result), ref: result.ref })
    }
  }
  return read
}

const readSingles = async (
  purser: Purser,
  refs: readonly string[],
  lacking: Lacking,
  signal: AbortSignal
): Promise<Map<string, Content>> => {
  const found = new Map<string, Content>()
  for (const { query, refs: asked } of queriesOf(refs)) {
    const answer = await purser.ask({ path: `/v1/secrets/batch?${query}`, signal })
    const { results } = resultsIn(answer.text)
    const isInOrder = results.length === asked.length && results.every((r, i) => r.ref === asked[i])
    if (!isInOrder) throw unexpected(undefined)
    for (const result of await readApart(purser, results, signal)) take(found, lacking, result)
  }
  return found
}

const readGroup = async (
  purser: Purser,
  prefix: string,
  lacking: Lacking,
  signal: AbortSignal
): Promise<Map<string, Content>> => {
  const found = new Map<string, Content>()
  const before = lacking.lacks.length
  let next: string | undefined = ''
  for (let page = 0; next !== undefined; page++) {
    if (page >= PAGES_MAX) throw unexpected(prefix)
    const query = `prefix=${encodeURIComponent(prefix)}${next === '' ? '' : `&cursor=${next}`}`
    const answer: Answer = await purser.ask({ path: `/v1/secrets?${query}`, what: prefix, signal })
    const { results, cursor } = resultsIn(answer.text)
    for (const result of await readApart(purser, results, signal)) take(found, lacking, result)
    next = cursor
  }
  if (found.size === 0 && lacking.lacks.length === before) {
    const why = 'Nothing stands below it that this key may read'
    lacking.lacks.push({ what: prefix, code: 'nothing_found', why })
    lacking.statuses.push(404)
  }
  return found
}

/** Rejects with `Unread`. */
export const readAll = async (
  purser: Purser,
  { singles, groups }: Pick<Plan, 'singles' | 'groups'>,
  signal: AbortSignal
): Promise<Found> => {
  const lacking: Lacking = { lacks: [], statuses: [] }
  const refs = [...new Set(singles.map(({ ref }) => ref))]
  const found = {
    singles: refs.length === 0 ? new Map() : await readSingles(purser, refs, lacking, signal),
    groups: new Map<string, ReadonlyMap<string, Content>>()
  }
  for (const { prefix } of groups) {
    found.groups.set(prefix, await readGroup(purser, prefix, lacking, signal))
  }
  const { lacks, statuses } = lacking
  if (lacks.length > 0) throw new Unread(lacks, { isRetryable: statuses.every(isTemporary) })
  const count = [...found.groups.values()].reduce((sum, { size }) => sum + size, refs.length)
  if (count > SECRETS_MAX) {
    const why = `There are ${count} secrets, more than the ${SECRETS_MAX} that a program can have`
    throw new Unread([{ what: undefined, code: 'too_many', why }])
  }
  return found
}
