/**
 * Whether a value is what a schema describes. Rule: a schema is compiled when a value is first looked at; and TypeBox's
 * own validators, which convert and repair as well, are not loaded for it: they are a tenth of a start's files.
 */
import type { Static, TSchema } from 'typebox'
import { Check, Compile } from 'typebox/schema'

/** For values that come in seldom, or of many schemas. */
export const fits = <T extends TSchema>(schema: T, value: unknown): value is Static<T> =>
  Check(schema, value)

/** Compiles the schema, once. */
export const fitting = <T extends TSchema>(schema: T): ((value: unknown) => value is Static<T>) => {
  let compiled: { readonly Check: (value: unknown) => boolean } | undefined
  return (value): value is Static<T> => {
    compiled ??= Compile(schema)
    return compiled.Check(value)
  }
}
