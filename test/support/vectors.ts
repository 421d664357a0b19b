/** Reads the data of the data-driven tests; tests run in the repository's root. */
import { readFileSync } from 'node:fs'

export interface Vector<Input, Expect> {
  readonly name: string
  readonly input: Input
  readonly expect: Expect
}

/** A list that lost its lines would pass every test. */
const refuseEmpty = (value: unknown, place: string): void => {
  if (typeof value !== 'object' || value === null) return
  if (Object.keys(value).length === 0) throw new Error(`no vectors: ${place}`)
}

/** A file is a list of vectors, or an object of such lists: none of them may be empty. */
export const parseVectors = <T>(text: string, name: string): T => {
  const vectors = JSON.parse(text) as T
  refuseEmpty(vectors, name)
  if (!Array.isArray(vectors)) {
    for (const [key, list] of Object.entries(vectors as object)) refuseEmpty(list, `${name}.${key}`)
  }
  return vectors
}

export const readVectors = <T>(name: string): T =>
  parseVectors(readFileSync(`test/unit/vectors/${name}.json`, 'utf8'), name)
