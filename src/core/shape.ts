/**
 * Whether a value has the shape of a schema, told in sentences a person can act on. Rule: where a schema offers
 * alternatives, only the one that was meant is complained about; and no sentence repeats the value.
 */
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/schema'
import { Settings } from 'typebox/system'
import { isObject } from './json.ts'

export type Path = readonly (string | number)[]
/** `keyword` is the word of JSON schema for the rule that is broken, where it was a schema's. */
export type Report = (path: Path, message: string, keyword?: string) => void

/** The parts of a JSON schema that matter here. */
interface Schema {
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly const?: unknown
  readonly type?: string
  readonly description?: string
}

/** The members of an object by which an alternative is told from the others: constants, or else what it requires. */
const isMeant = (
  { properties = {}, required = [] }: Schema,
  value: Readonly<Record<string, unknown>>
): boolean => {
  const constants = Object.entries(properties).filter(([, member]) => member.const !== undefined)
  return constants.length > 0
    ? constants.every(([name, member]) => value[name] === member.const)
    : required.length > 0 && required.some((name) => name in value)
}

/** The schema with every choice made that the value has made. */
const narrow = (schema: Schema, value: unknown): Schema => {
  if (!isObject(value)) return schema
  if (schema.anyOf !== undefined) {
    const meant = schema.anyOf
      .map((alternative) => narrow(alternative, value))
      .find((one) => isMeant(one, value))
    return meant ?? schema
  }
  if (schema.properties === undefined) return schema
  const members = Object.entries(schema.properties).map(([name, member]) => [
    name,
    narrow(member, value[name])
  ])
  return { ...schema, properties: Object.fromEntries(members) }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object'
}

/** What a person would write for the alternative. */
const wordsFor = (schema: Schema): string[] => {
  const { anyOf, const: value, type = '', properties = {}, required = [] } = schema
  if (anyOf !== undefined) return anyOf.flatMap(wordsFor)
  if (value !== undefined) return [String(value)]
  const constants = Object.entries(properties).flatMap(([name, member]) =>
    member.const === undefined ? [] : [`{ ${name}: ${member.const} }`]
  )
  if (constants.length > 0) return constants
  return required.length > 0 ? required.map((name) => `{ ${name} }`) : [TYPES[type] ?? '']
}

const choices = (schema: Schema): string => {
  const words = wordsFor(schema)
  if (words.includes('') || words.length === 0) return 'has none of the forms it may have'
  return words.every((word) => word.startsWith('{'))
    ? `must be given as one of ${words.join(', ')}`
    : `must be ${words.join(' or ')}`
}

const toPath = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))

const schemaAt = (schema: Schema, schemaPath: string): Schema =>
  schemaPath
    .split('/')
    .slice(1)
    .reduce<Schema>((at, part) => (at as Readonly<Record<string, Schema>>)[part] ?? {}, schema)

/** By default the library reports only the first eight faults. */
const allErrors = <T>(find: () => T): T => {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: 10_000 })
  try {
    return find()
  } finally {
    Settings.Set({ maxErrors })
  }
}

/** Reports each fault at its path below `at`; true if there is none. */
export const checkShape = (schema: TSchema, value: unknown, at: Path, report: Report): boolean => {
  const narrowed = narrow(schema as Schema, value)
  const shape = Compile(narrowed as TSchema)
  if (shape.Check(value)) return true
  const unions = new Set<string>()
  const errors = allErrors(() => shape.Errors(value)[1])
  for (const { keyword, instancePath, schemaPath, params, message } of errors) {
    const path = [...at, ...toPath(instancePath)]
    const [union, ...inside] = schemaPath.split('/anyOf')
    if (inside.length > 0 || keyword === 'anyOf') {
      // No alternative was meant: what each of them lacks is no help, what there is to choose from is.
      if (!unions.has(schemaPath.slice(0, union?.length)))
        report(unionPath(path, at, union), choices(schemaAt(narrowed, union ?? '')), 'anyOf')
      unions.add(union ?? '')
    } else if (keyword === 'additionalProperties') {
      const { additionalProperties } = params as { additionalProperties: string[] }
      for (const member of additionalProperties) {
        report([...path, member], 'is not a known member', keyword)
      }
    } else if (keyword === 'required') {
      const { requiredProperties } = params as { requiredProperties: string[] }
      report(path, `lacks ${requiredProperties.join(', ')}`, keyword)
    } else if (keyword === 'enum') {
      const { allowedValues } = params as { allowedValues: unknown[] }
      report(path, `must be one of ${allowedValues.join(', ')}`, keyword)
    } else if (keyword === 'pattern') {
      // The schema's own words for what belongs there say more than its regular expression.
      const { description } = schemaAt(narrowed, schemaPath.replace(/\/pattern$/, ''))
      report(path, description ? `is not of the right form: ${description}` : message, keyword)
    } else if (keyword !== 'boolean') {
      report(path, message, keyword)
    }
  }
  return false
}

const blank = (value: unknown, [first, ...rest]: Path): void => {
  if (first === undefined || typeof value !== 'object' || value === null) return
  const parent = value as Record<string | number, unknown>
  if (rest.length > 0) blank(parent[first], rest)
  else if (first in parent) parent[first] = undefined
}

/**
 * A copy in which what has the wrong shape is reported, and undefined: so that all else in it can be looked at as well.
 * `wholeOf`: what goes with a part that is at fault.
 */
export const soundPart = (
  schema: TSchema,
  value: unknown,
  report: Report,
  wholeOf = (path: Path): Path => path
): unknown => {
  const copy = structuredClone(value)
  checkShape(schema, value, [], (path, message, keyword) => {
    report(path, message, keyword)
    const whole = wholeOf(path)
    // A value that lacks a member may be right in the members that it has.
    if (keyword !== 'required' || whole.length < path.length) blank(copy, whole)
  })
  return copy
}

/** The place of the union itself: as deep in the value as the schema's path has named members and items. */
const unionPath = (path: Path, at: Path, union = ''): Path => {
  const depth = union
    .split('/')
    .filter((part, i, parts) => parts[i - 1] === 'properties' || part === 'items').length
  return path.slice(0, at.length + depth)
}
