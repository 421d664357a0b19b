/** PutSecretValue and CreateSecret. Rule: an answer never holds a value; and what is to be created is never overwritten. */
import { ProblemError } from '../../core/problem.ts'
import { Sensitive } from '../../core/secret.ts'
import type { WriteResult } from '../../secrets/writing.ts'
import type { Answer } from '../send.ts'
import { writtenVersion } from './answers.ts'
import type { Ask, Operation } from './ask.ts'
import { bodyReader } from './request.ts'
import { CreateSecretRequest, PutSecretValueRequest } from './schemas.ts'
import { CURRENT, identityOf, type Named, namedBy, ONLY_CURRENT, versionOf } from './secrets.ts'

interface Given {
  readonly SecretString?: string
  readonly SecretBinary?: string
}

const invalid = (detail: string): ProblemError => new ProblemError('invalid_request', { detail })

/** Throws `invalid_request`. */
const textIn = ({ SecretString, SecretBinary }: Given): Sensitive<string> => {
  if (SecretBinary !== undefined) throw invalid('SecretBinary is read, and not written')
  if (SecretString === undefined) throw invalid('SecretString is required')
  return new Sensitive(SecretString)
}

const written = (
  { place, region }: Ask,
  named: Named,
  { reference, version }: WriteResult,
  stages?: readonly string[]
): Answer => {
  const identity = identityOf(place, region, named, reference)
  const id = versionOf(place, { reference, version })
  return { views: [], write: () => writtenVersion(identity, id, stages) }
}

const readPut = bodyReader(PutSecretValueRequest)

export const putSecretValue: Operation = async (ask) => {
  const { place, caller, body } = ask
  const { SecretId, VersionStages: stages = ONLY_CURRENT, ...given } = readPut(body)
  if (stages.length !== 1 || stages[0] !== CURRENT) {
    throw invalid('a new version is the current one: it has no other stage')
  }
  const text = textIn(given)
  const named = namedBy(place, SecretId)
  const result = await place.broker.writeSecret(caller, named.wanted, { text })
  return written(ask, named, result, ONLY_CURRENT)
}

const readCreate = bodyReader(CreateSecretRequest)

export const createSecret: Operation = async (ask) => {
  const { place, caller, body } = ask
  const { Name, ...given } = readCreate(body)
  const text = textIn(given)
  const named = namedBy(place, Name)
  const result = await place.broker.writeSecret(caller, named.wanted, { text, ifAbsent: true })
  return written(ask, named, result)
}
