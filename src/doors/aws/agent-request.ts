/**
 * What is asked of the AWS Secrets Manager Agent, in a query. Rule: each parameter once, and none that the agent does not know;
 * a path is the secret's id as it stands there, nothing of it decoded.
 * https://github.com/aws/aws-secretsmanager-agent
 */
import { ProblemError } from '../../core/problem.ts'
import type { WantedVersion } from './secrets.ts'

export interface AgentRequest {
  readonly secretId: string
  readonly version: WantedVersion
  /** Past the cache. */
  readonly isFresh: boolean
}

const refuse = (detail: string): ProblemError => new ProblemError('invalid_request', { detail })

const REFRESH: ReadonlyMap<string | undefined, boolean> = new Map([
  [undefined, false],
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false]
])

const KNOWN: ReadonlySet<string> = new Set([
  'secretId',
  'versionId',
  'versionStage',
  'refreshNow',
  'roleArn'
])

const ID_MAX = 2_048

const parametersIn = (query: string): ReadonlyMap<string, string> => {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (!KNOWN.has(name)) throw refuse('unknown parameter')
    if (parameters.has(name)) throw refuse('a parameter is given twice')
    parameters.set(name, value)
  }
  return parameters
}

/** `idInPath`: of the path style; undefined where the query has the id. Throws `invalid_request`. */
export const parseAgentRequest = (query: string, idInPath?: string): AgentRequest => {
  const parameters = parametersIn(query)
  const asked = parameters.get('secretId')
  if (idInPath !== undefined && asked !== undefined) throw refuse('unknown parameter')
  const secretId = idInPath ?? asked ?? ''
  if (secretId === '') {
    throw refuse(idInPath === undefined ? 'missing parameter secretId' : 'missing secret ID')
  }
  if (secretId.length > ID_MAX) throw refuse('the secret ID is too long')
  // Whoever reads by an API key takes no role.
  if (parameters.has('roleArn')) throw refuse('roleArn is not served here')
  const isFresh = REFRESH.get(parameters.get('refreshNow')?.toLowerCase())
  if (isFresh === undefined) throw refuse('invalid refreshNow value')
  const [versionId, stage] = [parameters.get('versionId'), parameters.get('versionStage')]
  return { secretId, version: { versionId, stage }, isFresh }
}

/** The secret's id and the query in the URL of a request that the path style has, `/v1/<secretId>?…`. */
export const splitAgentUrl = (
  url: string,
  prefix: string
): readonly [id: string, query: string] => {
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  return [path.slice(prefix.length), at < 0 ? '' : url.slice(at + 1)]
}
