/** What an answer proves or breaks. Rule: it is judged by what was asked and by whom, never by what was meant to happen. */
import type { Answer } from '../../test/support/replicas.ts'
import { type Catalog, type Seen, valuesIn, versionNames } from './catalog.ts'
import type { Describes } from './described.ts'
import type { Ledger } from './ledger.ts'
import { noteEtag, type Question } from './operations.ts'
import type { SoakReplica } from './replica.ts'
import { isOwed as isRefusalOwed } from './revocations.ts'
import type { World } from './world.ts'

/** Of somebody who is in the right, while anything may be broken. */
const FAILURES: ReadonlySet<unknown> = new Set([
  'store_denied',
  'store_misconfigured',
  'store_invalid_answer',
  'store_unavailable',
  'store_throttled',
  'store_timeout',
  'audit_unavailable',
  'overloaded',
  // The caller itself was too late: of a machine that is too busy.
  'request_timeout'
])

/** Of somebody who is refused: nothing else than the refusal, or that it cannot be recorded. */
const UNRECORDED: ReadonlySet<unknown> = new Set([
  'audit_unavailable',
  'overloaded',
  'request_timeout'
])

const isExpected = ({ expects }: Question, { status, body: { code } }: Answer): boolean => {
  switch (expects) {
    case 'forbidden':
      return (
        (status === 403 && /^(access_denied|insufficient_scope)$/.test(String(code))) ||
        UNRECORDED.has(code)
      )
    case 'refused':
      return (status === 401 && code === 'invalid_api_key') || UNRECORDED.has(code)
    case 'issued key':
      // A clock that is behind takes no key that is issued in its future.
      return status === 200 || code === 'invalid_api_key' || FAILURES.has(code)
    case 'change':
      return status < 300 || FAILURES.has(code)
    case 'value':
      return status === 200 || status === 304 || FAILURES.has(code)
  }
}

interface Item {
  readonly value?: unknown
  readonly data?: unknown
  readonly version?: unknown
}

/** One secret as it stands in an answer: all of one version, which is the one that is said. */
const faultOfItem = ({ version, ...item }: Item, field: string | undefined): string | undefined => {
  const seen = valuesIn(JSON.stringify(item))
  const [first] = seen
  if (first === undefined) return undefined
  if (seen.some((one) => one.version !== first.version || one.ref !== first.ref)) return 'mixed'
  const store = first.ref.split(':', 1)[0] as keyof typeof versionNames
  if (store !== 'local' && version !== versionNames[store](first.version)) {
    return `version ${String(version)} with the value of ${first.version}`
  }
  if (field !== undefined && (seen.length !== 1 || first.field !== field)) return 'another field'
  return undefined
}

const itemsOf = ({ body }: Answer): readonly Item[] => {
  const { results } = body
  if (Array.isArray(results)) return results
  return 'credentials' in body ? [] : [body]
}

const faultOfValues = (
  { asked, field }: Question,
  answer: Answer,
  seen: readonly Seen[],
  catalog: Catalog
): string | undefined => {
  const wrong = seen.find(
    ({ ref, version }) => !asked.includes(ref) || version < 1 || version > catalog.version(ref)
  )
  if (wrong !== undefined) return `got ${wrong.ref} version ${wrong.version}`
  const isEmpty = answer.status === 200 && asked.length === 1 && seen.length === 0
  if (isEmpty) return `got no value of ${asked}`
  return itemsOf(answer)
    .map((item) => faultOfItem(item, field))
    .find((fault) => fault !== undefined)
}

export interface Asked {
  readonly question: Question
  readonly replica: SoakReplica
  readonly requestId: string
  readonly sentAt: number
  readonly life: number
  /** When it left. */
  readonly hasRedisSince: number | undefined
}

const judgeKey = (ledger: Ledger, asked: Asked, answer: Answer, slowness: number): void => {
  const { question, replica, requestId, ...use } = asked
  const { key } = question
  if (key === undefined || question.expects !== 'issued key') return
  if (!isRefusalOwed(key, { ...use, replica: replica.index }, slowness)) return
  const what = `key ${key.keyId} revoked at replica ${key.revoked?.replica}`
  const isTaken = answer.status === 200
  ledger.judge('revoked', isTaken ? `${what}, taken by ${replica.index} (${requestId})` : undefined)
}

/** What changes by it: keys that are there or gone. */
const learn = ({ keys }: World, asked: Asked, { status, body }: Answer): void => {
  const { question, replica, life } = asked
  if (question.operationId === 'issueKey' && status === 201) {
    const { keyId, apiKey, client } = body as Record<string, string>
    keys.add({ keyId: keyId ?? '', apiKey: apiKey ?? '', client: client ?? '' })
  }
  const { key } = question
  if (question.operationId !== 'revokeKey' || status !== 200 || key === undefined) return
  const isDurable = body['pending'] !== true
  key.revoked ??= { at: performance.now(), isDurable, replica: replica.index, life }
}

export const createJudge =
  (world: World, describes: Describes, slowness: () => number) =>
  (asked: Asked, answer: Answer): void => {
    const { ledger, catalog } = world
    const { question, replica, requestId } = asked
    const { status, headers, text, body } = answer
    const where = `${question.name} at replica ${replica.index} (${requestId}): `
    const outcome = status < 400 ? String(status) : `${status} ${body['code']}`
    ledger.answer(question.name, outcome)
    const told = { status, type: headers['content-type']?.toString(), text }
    const undescribed = describes(question.operationId, told)
    ledger.judge('described', undescribed && where + undescribed)
    const seen = valuesIn(text + JSON.stringify(headers))
    const isDisclosure = status < 400
    const foreign = seen.find(({ ref }) => !isDisclosure || !question.asked.includes(ref))
    ledger.judge('forbidden', foreign && `${where}${outcome} discloses ${foreign.ref}`)
    if (!isExpected(question, answer)) {
      const isGiven = question.expects === 'forbidden' || question.expects === 'refused'
      ledger.broke(isGiven ? 'forbidden' : 'value', `${where}${outcome}`)
    } else if (question.asked.length > 0 && status < 400) {
      const fault = status === 304 ? undefined : faultOfValues(question, answer, seen, catalog)
      ledger.judge('value', fault && where + fault)
    }
    judgeKey(ledger, asked, answer, slowness())
    // A batch that holds nothing but problems may have failed for want of a record.
    const isOwed =
      isDisclosure && (seen.length > 0 || status === 304 || question.expects === 'change')
    if (isOwed) replica.trail.owes(requestId, new Set(seen.map(({ ref }) => ref)))
    else replica.trail.dropped(requestId)
    const [ref] = question.asked
    if (
      status === 200 &&
      question.name === 'by reference' &&
      !question.field &&
      ref !== undefined
    ) {
      noteEtag(ref, headers['etag'])
    }
    learn(world, asked, answer)
  }
