/**
 * Makes the validators and serializers of routes from their schemas. Rule: each when a request first needs it, since all
 * of them together take a tenth of a start; that all can be made is a test's to see.
 */
import buildValidators from '@fastify/ajv-compiler'
import buildSerializers from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler } from 'fastify'

type Compile = FastifySchemaCompiler<unknown>
type Validate = ReturnType<Compile>
type BuildValidators = ReturnType<typeof buildValidators>
type BuildSerializers = ReturnType<typeof buildSerializers>

const lazyValidator = (make: () => Validate): Validate => {
  let made: Validate | undefined
  const validate: Validate = (data) => {
    made ??= make()
    if (made(data) === true) return true
    validate.errors = made.errors ?? null
    return false
  }
  return validate
}

/** What Fastify makes them with. */
export const lazyCompilers = (): {
  buildValidator: BuildValidators
  buildSerializer: BuildSerializers
} => {
  const validatorsOf = buildValidators()
  const serializersOf = buildSerializers()
  return {
    buildValidator: ((schemas, options) => {
      const compile = validatorsOf(schemas, options) as Compile
      return ((route) => lazyValidator(() => compile(route) as Validate)) as Compile
    }) as BuildValidators,
    buildSerializer: (schemas, options) => {
      const compile = serializersOf(schemas, options)
      return (route) => {
        let made: ReturnType<typeof compile> | undefined
        return (data) => {
          made ??= compile(route)
          return made(data)
        }
      }
    }
  }
}
