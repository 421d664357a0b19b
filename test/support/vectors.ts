/** Reads the data of the data-driven tests; tests run in the repository's root. */
import { readFileSync } from 'node:fs'

export interface Vector<Input, Expect> {
  readonly name: string
  readonly input: Input
  readonly expect: Expect
}

export const readVectors = <T>(name: string): T =>
  JSON.parse(readFileSync(`test/unit/vectors/${name}.json`, 'utf8')) as T
