/** The shapes of secrets by name, in batches and written. Rule: unknown members are refused. */
import { Type } from 'typebox'
import { SECRET_NAME } from '../../core/reference-grammar.ts'
import { BatchAnswer, Pending, Refs, RefText, SecretAnswer, strict, wanted } from '../schemas.ts'

export const NameParams = Type.Object(
  {
    name: Type.String({
      pattern: SECRET_NAME.source,
      description: 'a key of `secrets:`'
    })
  },
  strict
)
export const NameQuery = Type.Object(wanted, strict)
export const BatchBody = Type.Object({ refs: Refs }, strict)
export const WriteQuery = Type.Object({ ref: RefText }, strict)
export const WriteBody = Type.Union([
  Type.Object({ value: Type.String() }, strict),
  Type.Object({ data: Type.Record(Type.String(), Type.Unknown()) }, strict)
])
export const WriteAnswer = Type.Object({
  ref: Type.String(),
  version: Type.String(),
  pending: Pending
})

/** One object rather than a choice of two: the serializer of a choice would try both on every answer. */
export const SecretOrListAnswer = Type.Object({
  ...Type.Partial(SecretAnswer).properties,
  results: Type.Optional(BatchAnswer.properties.results),
  cursor: Type.Optional(Type.String({ description: 'with prefix: asks for the next page' }))
})

export const WriteHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      pattern: '^("[A-Za-z0-9_.-]{1,128}"|[A-Za-z0-9_.-]{1,128})$',
      description: 'write only if this is still the newest version, where the store can compare'
    })
  )
})
