/**
 * Many secrets of AWS in few calls. Rule: the batch is a shortcut and nothing else; whatever it does not answer, for
 * want of the right to batch or for one secret's sake, is read by itself, and gets the answer that a read alone would
 * get.
 */
import { ProviderFault } from '../../core/fault.ts'
import type { SecretRecord } from '../../core/secret.ts'
import { sideBySide } from '../../core/side-by-side.ts'
import type { CallOptions, SecretProvider } from '../provider.ts'
import { faultOfCode } from './faults.ts'
import { type SecretValue, secretIdOf, toRecord } from './record.ts'

type Answer = SecretRecord | ProviderFault

/** What BatchGetSecretValue answers. */
interface Batch {
  readonly SecretValues?: readonly SecretValue[] | undefined
  readonly Errors?:
    | readonly {
        readonly SecretId?: string | undefined
        readonly ErrorCode?: string | undefined
      }[]
    | undefined
}

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html */
const IDS_PER_BATCH = 20
const BATCHES_SIDE_BY_SIDE = 4
const READS_SIDE_BY_SIDE = 16

/** A batch that fails like this fails for want of the right to batch, or because of one of its secrets. */
const OF_ONE_SECRET = new Set([
  'AccessDeniedException',
  'DecryptionFailure',
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceNotFoundException',
  'ValidationException'
])

const chunksOf = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / IDS_PER_BATCH) }, (_, i) =>
    ids.slice(i * IDS_PER_BATCH, (i + 1) * IDS_PER_BATCH)
  )

const asFault = (thrown: unknown): ProviderFault =>
  thrown instanceof ProviderFault ? thrown : new ProviderFault('unavailable')

const toAnswer = (value: SecretValue): Answer => {
  try {
    return toRecord(value)
  } catch (fault) {
    return asFault(fault)
  }
}

/**
 * By name and by ARN, since AWS does not say under which of them it was asked; a name has no colon, so none is both.
 */
const answersIn = ({ SecretValues = [], Errors = [] }: Batch): Map<string, Answer> => {
  const answers = new Map<string, Answer>()
  for (const { SecretId, ErrorCode } of Errors) {
    if (SecretId !== undefined) answers.set(SecretId, faultOfCode(ErrorCode))
  }
  for (const value of SecretValues) {
    const answer = toAnswer(value)
    if (value.Name !== undefined) answers.set(value.Name, answer)
    if (value.ARN !== undefined) answers.set(value.ARN, answer)
  }
  return answers
}

/** `readBatch` takes 20 ids at most; both it and `read` reject only with ProviderFault. */
export const createReadMany = (
  read: SecretProvider['read'],
  readBatch: (ids: string[], options: CallOptions) => Promise<Batch>
): NonNullable<SecretProvider['readMany']> => {
  return async (locators, options) => {
    const wanted = new Map(locators.map((locator) => [secretIdOf(locator), locator]))
    const answers = new Map<string, Answer>()
    const chunks = chunksOf([...wanted.keys()])
    const failed: ProviderFault[] = []

    await sideBySide(chunks, BATCHES_SIDE_BY_SIDE, async (ids) => {
      try {
        const answered = answersIn(await readBatch(ids, options))
        for (const id of ids) {
          const answer = answered.get(id)
          if (answer !== undefined) answers.set(id, answer)
        }
      } catch (thrown) {
        const fault = asFault(thrown)
        if (OF_ONE_SECRET.has(fault.code ?? '')) return
        failed.push(fault)
        for (const id of ids) answers.set(id, fault)
      }
    })
    const [fault] = failed
    if (fault !== undefined && failed.length === chunks.length) throw fault

    const unanswered = [...wanted].filter(([id]) => !answers.has(id))
    await sideBySide(unanswered, READS_SIDE_BY_SIDE, async ([id, locator]) => {
      answers.set(id, await read(locator, options).catch(asFault))
    })
    return locators.map(
      (locator) => answers.get(secretIdOf(locator)) ?? new ProviderFault('invalid_answer')
    )
  }
}
