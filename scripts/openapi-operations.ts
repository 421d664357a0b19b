/**
 * What openapi.yaml says of an operation beyond what its route does: headers both ways, choices of queries, every
 * method of forward-auth, examples. Rule: nothing here widens what the routes validate.
 */
import { IssueBody } from '../src/http/routes/keys-schemas.ts'
import { AwsErrorAnswer, OauthErrorAnswer } from '../src/http/routes/login-schemas.ts'
import { OPERATION_EXAMPLES } from './openapi-examples.ts'

const text = { schema: { type: 'string' } }
const integer = { schema: { type: 'integer' } }
const CACHE_CONTROL = {
  name: 'Cache-Control',
  in: 'header',
  description:
    'no-cache, or max-age=<seconds>: how old the answer may be; past the cache it is limited for each key',
  ...text
}
const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  description: 'the ETags that the caller has: 304 if one of them is current',
  ...text
}

const ACCEPT = {
  name: 'Accept',
  in: 'header',
  description:
    'text/plain, preferred to JSON, is format=raw; where both are welcome alike it is JSON',
  ...text
}
/** The other representation of a single secret. */
const RAW = { 'text/plain; charset=utf-8': text, 'application/octet-stream': text }

/** Of answers, by name: what a component of the description says of each. */
export const HEADERS = {
  'X-Request-Id': {
    description: "the request's, or one of ours: the log and the audit trail have it",
    ...text
  },
  RateLimit: { description: 'what is left of the limit of the key: `"key";r=5999;t=60`', ...text },
  'RateLimit-Policy': { description: 'the limit: `"key";q=6000;w=60`', ...text },
  'Retry-After': {
    description: 'seconds: 429, 503, and whatever says when to come again',
    ...integer
  },
  'WWW-Authenticate': { description: '401 and a missing scope (RFC 6750)', ...text },
  Allow: { description: '405: the methods that there are', ...text },
  ETag: { description: 'changes with the value and the version', ...text },
  'X-Cache': {
    description: 'where the value came from',
    schema: { type: 'string', enum: ['HIT', 'MISS', 'STALE', 'REVALIDATED'] }
  },
  Age: { description: 'seconds since the value was fetched', ...integer },
  Vary: { description: 'Accept, and Origin where pages of other origins may call', ...text },
  'Content-Disposition': { description: 'attachment: the value is raw', ...text },
  'X-Purser-Client': { description: "the key's client; empty on a refusal", ...text },
  'X-Purser-Key-Id': { description: "the key's id; empty on a refusal", ...text },
  'X-Purser-Scopes': {
    description: "the key's scopes, with blanks between; empty on a refusal",
    ...text
  }
}
type HeaderName = keyof typeof HEADERS

const headersOf = (...names: readonly HeaderName[]) => ({
  headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
})
const LIMITED = ['RateLimit', 'RateLimit-Policy'] as const
const CACHED = ['ETag', 'X-Cache', 'Age', 'Vary', 'Content-Disposition'] as const
const IDENTITY = ['X-Purser-Client', 'X-Purser-Key-Id', 'X-Purser-Scopes'] as const

/** Routes that write their errors as another protocol has them. */
const ERRORS: Readonly<Record<string, Record<string, Media>>> = {
  exchangeToken: { 'application/json': { schema: OauthErrorAnswer } },
  exchangeTokenForAws: { 'application/json': { schema: AwsErrorAnswer } }
}
const PROBLEMS = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } }
}

const problemOf = (operationId: string, isLimited: boolean) => ({
  description: ERRORS[operationId] === undefined ? 'A problem' : 'An error',
  ...headersOf(
    'X-Request-Id',
    ...(isLimited ? LIMITED : []),
    'Retry-After',
    'WWW-Authenticate',
    'Allow'
  ),
  content: ERRORS[operationId] ?? PROBLEMS
})

/** Headers are not validated, since none of them can be wrong: so the routes do not tell of them. */
const CONDITIONAL = ['readSecret', 'readSecretByName']
const FRESH = [...CONDITIONAL, 'readSecrets', 'readSecretsPosted']

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  example?: unknown
  allowEmptyValue?: true
  readonly [more: string]: unknown
}
interface Media {
  readonly schema?: object
  example?: unknown
}
interface Answer {
  readonly description?: string
  readonly content?: Readonly<Record<string, Media>>
}
export interface Operation {
  readonly operationId: string
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  parameters?: Parameter[]
  readonly requestBody?: { required?: boolean; readonly content: Readonly<Record<string, Media>> }
  responses: Record<string, Answer>
}

const AUTHORIZE_PARAMETERS = [
  {
    name: 'scope',
    in: 'query',
    required: true,
    description: 'one of them suffices: scope=a,b',
    style: 'form',
    explode: false,
    schema: {
      type: 'array',
      minItems: 1,
      maxItems: 8,
      items: IssueBody.properties.scopes.items
    }
  },
  ...(
    [
      ['X-Original-Method', "the caller's method; this or X-Forwarded-Method"],
      ['X-Forwarded-Method', "the caller's method, as Traefik tells it"],
      [
        'X-Original-URI',
        "the caller's path and query: denied if two servers may read it differently"
      ],
      ['X-Forwarded-Uri', 'the same, as Traefik tells it']
    ] as const
  ).map(([name, description]) => ({ name, in: 'header', description, ...text }))
]

const descriptionOf = ({ description = '' }: Answer): string =>
  description === 'Default Response' ? 'Done' : description

/** What the routes do not say of themselves: headers, both ways. */
const addHeadersTo = (operation: Operation): void => {
  const { operationId, security = [], responses } = operation
  const isLimited = security.some((scheme) => 'bearer' in scheme)
  const isFresh = FRESH.includes(operationId)
  const isConditional = CONDITIONAL.includes(operationId)
  const names = [
    'X-Request-Id',
    ...(isLimited ? LIMITED : []),
    ...(isConditional ? CACHED : [])
  ] as const
  operation.parameters = [
    ...(operation.parameters ?? []),
    ...(isFresh ? [CACHE_CONTROL] : []),
    ...(isConditional ? [ACCEPT, IF_NONE_MATCH] : [])
  ]
  operation.responses = {
    ...Object.fromEntries(
      Object.entries(responses).map(([status, answer]) => [
        status,
        {
          ...answer,
          ...(isConditional && { content: { ...answer.content, ...RAW } }),
          description: descriptionOf(answer),
          ...headersOf(...names)
        }
      ])
    ),
    ...(isConditional && { '304': { description: 'The caller has it', ...headersOf(...names) } }),
    default: problemOf(operationId, isLimited)
  }
}

/** Forward-auth answers every method alike, without a body. */
const describeAuthorize = (item: Record<string, Operation>): void => {
  const { get } = item
  if (get === undefined) return
  get.parameters = AUTHORIZE_PARAMETERS
  Object.assign(get.responses['200'] ?? {}, headersOf(...LIMITED, ...IDENTITY))
  Object.assign(get.responses['401'] ?? {}, headersOf('WWW-Authenticate', ...IDENTITY))
  Object.assign(get.responses['403'] ?? {}, headersOf('Retry-After', ...LIMITED, ...IDENTITY))
  for (const method of ['put', 'post', 'delete', 'options', 'head', 'patch', 'trace']) {
    const operationId = `authorize${method.charAt(0).toUpperCase()}${method.slice(1)}`
    item[method] = { ...get, operationId }
  }
}

/** Of the members of a body: what the routes refuse in words of their own, rather than by a schema. */
const BY_ONE_NAME = { oneOf: [{ required: ['apiKey'] }, { required: ['key'] }] }
const BODY_RULES: Readonly<Record<string, object>> = {
  introspectKey: BY_ONE_NAME,
  explainForKey: BY_ONE_NAME,
  issueKey: { not: { required: ['expires', 'expiresInDays'] } }
}

/** What may be left out altogether. */
const WITHOUT_BODY: ReadonlySet<string> = new Set(['issueToken'])

const addBodyRuleTo = ({ operationId, requestBody }: Operation): void => {
  if (requestBody !== undefined && WITHOUT_BODY.has(operationId)) requestBody.required = false
  const rule = BODY_RULES[operationId]
  for (const { schema } of Object.values(requestBody?.content ?? {})) {
    Object.assign(schema ?? {}, rule)
  }
}

const addExamplesTo = (operation: Operation): void => {
  const { operationId, parameters = [], requestBody, responses } = operation
  const { parameters: given = {}, body, answer, raw } = OPERATION_EXAMPLES[operationId] ?? {}
  for (const parameter of parameters) {
    if (parameter.name in given) parameter.example = given[parameter.name]
    if (parameter.in === 'query' && !parameter.required) parameter.allowEmptyValue = true
  }
  for (const media of Object.values(requestBody?.content ?? {})) media.example = body
  for (const status of ['200', '201']) {
    for (const [type, media] of Object.entries(responses[status]?.content ?? {})) {
      media.example = /\/json|event-stream/.test(type) ? answer : raw
    }
  }
}

interface Choice {
  readonly anyOf: readonly object[]
}
const CHOICES: Readonly<Record<string, string>> = {
  readSecret: 'wanted',
  dropCache: 'what',
  endSessions: 'what'
}

/**
 * OpenAPI describes a choice of whole queries as one parameter that is spread: so that no mixture of them is described.
 */
export const asParameter = (operationId: string, { anyOf }: Choice): Parameter => ({
  name: CHOICES[operationId] ?? 'query',
  in: 'query',
  required: true,
  style: 'form',
  explode: true,
  schema: { oneOf: anyOf }
})
export const isChoice = (querystring: unknown): querystring is Choice =>
  querystring instanceof Object && 'anyOf' in querystring

type Paths = Readonly<Record<string, Record<string, Operation>>>

/** `choices`: by operationId. */
export const completeOperations = (paths: Paths, choices: ReadonlyMap<string, Parameter>): void => {
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const choice = choices.get(operation.operationId)
    if (choice !== undefined) operation.parameters = [choice, ...(operation.parameters ?? [])]
    // A route that names its refusals answers them without a body.
    if (!('403' in operation.responses)) addHeadersTo(operation)
    addBodyRuleTo(operation)
  }
  describeAuthorize(paths['/internal/authorize'] ?? {})
  for (const path of Object.values(paths)) for (const one of Object.values(path)) addExamplesTo(one)
}
