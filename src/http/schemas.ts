/**
 * The shapes of requests and answers that several routes have; the others stand beside their route. They validate,
 * type, serialise and document. Rule: unknown members are refused.
 */
import { type Static, Type } from 'typebox'
import { CLIENT_NAME } from '../core/policy.ts'
import { PROBLEMS, type ProblemCode } from '../core/problem.ts'
import { STORE_NAME } from '../core/reference-grammar.ts'
import type { Sensitive } from '../core/secret.ts'

export const strict = { additionalProperties: false } as const

export const RefText = Type.String({
  minLength: 1,
  maxLength: 2048,
  description:
    'a reference, in any of its written forms; in its path % ? # * { } , [ ] and the backslash, in its field % ? # and the backslash, and blanks at an end of either, are percent-escapes'
})
const VersionText = Type.String({ minLength: 1, maxLength: 128 })
const FieldText = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: 'as after the `#` of a reference: a name, or a JSON pointer that begins with a slash'
})
const Format = Type.Enum(['json', 'raw'], {
  description:
    'raw: the stored bytes alone, as text/plain or application/octet-stream, also of an object of one field; without it Accept decides, which is JSON unless text/plain is preferred'
})
/** Beside a reference, or a name. */
export const wanted = {
  version: Type.Optional(VersionText),
  field: Type.Optional(FieldText),
  format: Type.Optional(Format)
}

export const BATCH_MAX = 100

export const SecretQuery = Type.Union([
  Type.Object({ ref: RefText, ...wanted }, strict),
  Type.Object(
    {
      prefix: Type.String({
        minLength: 1,
        maxLength: 2048,
        description: 'what stands below a path: <store>:<path>/, or <store>: for all of it'
      }),
      limit: Type.Optional(
        Type.String({
          pattern: '^([1-9][0-9]?|100)$',
          description: 'up to 100, which is the default'
        })
      ),
      cursor: Type.Optional(Type.String({ maxLength: 8192, pattern: '^[A-Za-z0-9_-]+$' }))
    },
    strict
  )
])
export const BatchQuery = Type.Object(
  { ref: Type.Union([RefText, Type.Array(RefText, { minItems: 1, maxItems: BATCH_MAX })]) },
  strict
)
export const Refs = Type.Array(RefText, { minItems: 1, maxItems: BATCH_MAX })
/** `pending` of an invalidation that has not reached all replicas yet. */
export const Pending = Type.Optional(
  Type.Boolean({ description: 'the other replicas follow as soon as Redis answers again' })
)
const secretMembers = {
  value: Type.Optional(Type.String({ description: 'the text, or the only field' })),
  data: Type.Optional(
    // The JSON of `data`, which is put into the answer as it stands (disclosure.ts).
    Type.Unsafe<Sensitive<string>>(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'all fields, where there are several; every number with the digits that it was stored with'
      })
    )
  ),
  encoding: Type.Optional(
    Type.Literal('base64', { description: 'it is binary; `value` is its base64' })
  ),
  encodings: Type.Optional(
    Type.Record(Type.String(), Type.Literal('base64'), {
      description: 'the fields of `data` that are binary, and stand there as base64'
    })
  ),
  version: Type.String({ description: "the store's own name of the version" }),
  store: Type.String(),
  fetchedAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' })
}
export const SecretAnswer = Type.Object({
  ref: Type.String({ description: 'canonical' }),
  ...secretMembers
})
export type SecretAnswer = Static<typeof SecretAnswer>

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.Enum(Object.keys(PROBLEMS) as ProblemCode[]),
  detail: Type.Optional(Type.String()),
  instance: Type.Optional(Type.String()),
  retryable: Type.Boolean(),
  retryAfter: Type.Optional(Type.Number({ description: 'seconds' })),
  errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), rule: Type.String() })))
})

export const BatchAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      ref: Type.String({ description: 'as it was asked for' }),
      status: Type.Integer(),
      ...Type.Partial(Type.Object(secretMembers)).properties,
      problem: Type.Optional(Problem)
    })
  )
})
export type BatchResult = Static<typeof BatchAnswer>['results'][number]

/** The claims of a key. */
export const claims = {
  client: Type.String(),
  keyId: Type.String(),
  scopes: Type.Array(Type.String()),
  mode: Type.String(),
  environment: Type.String(),
  minimumVersion: Type.String(),
  issuedAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
  via: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'the keys that it was issued by, oldest first; before them, where it came from a login, `trust:<name>`'
    })
  ),
  networks: Type.Optional(
    Type.Array(Type.String(), { description: 'from where it may be used; anywhere if absent' })
  )
}
export const Patterns = Type.Array(Type.String())
export const Delegations = Type.Array(
  Type.Object({
    clients: Patterns,
    scopes: Patterns,
    modes: Patterns,
    maxDays: Type.Optional(Type.Integer())
  }),
  { description: 'for whom keys of this client may issue which keys, without having the scopes' }
)
const KeyText = Type.String({ minLength: 1, maxLength: 4096 })
/** A key in a body: by one of its two names (`keyInBody`). */
export const KeyMembers = {
  apiKey: Type.Optional(KeyText),
  key: Type.Optional(Type.String({ ...KeyText, description: 'the former spelling of `apiKey`' }))
}
const FROM = 'the address that the key is used from'
export const UsedFrom = Type.Optional(Type.String({ maxLength: 45, description: FROM }))
export const IntrospectBody = Type.Object(
  {
    ...KeyMembers,
    address: Type.Optional(
      Type.String({
        ...UsedFrom,
        description: `${FROM}: a key that is bound to networks is not active without it`
      })
    )
  },
  strict
)
export const IntrospectAnswer = Type.Object({
  active: Type.Boolean(),
  ...Type.Partial(Type.Object(claims)).properties
})
export const ResolveBody = Type.Object(
  { client: Type.String({ pattern: CLIENT_NAME.source }), refs: Refs },
  strict
)
export const InvalidateBody = Type.Union([
  Type.Object({ ref: RefText }, strict),
  Type.Object({ store: Type.String({ pattern: STORE_NAME.source }) }, strict),
  Type.Object({ all: Type.Literal(true) }, strict)
])
export const InvalidateAnswer = Type.Object({
  dropped: Type.Integer({ description: 'cached secrets that were dropped here' }),
  pending: Pending
})
