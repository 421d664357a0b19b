/**
 * The environment that the program gets. Rule: what we were started with, and its secrets; nothing of how we reach the
 * service, unless the command line says so.
 */
import type { Environ } from '../../config/env.ts'
import type { Sensitive } from '../../core/secret.ts'

const OURS = /^PURSER_/

/** Where the files of a group are that was given no folder. */
export const FILES_VARIABLE = 'PURSER_FILES'

export interface EnvironmentOptions {
  readonly startedWith: Environ
  readonly variables: ReadonlyMap<string, Sensitive<string>>
  readonly keepPurser: boolean
  /** Of groups that name none. */
  readonly ownFolder?: string | undefined
}

export const environmentOf = (options: EnvironmentOptions): Environ => {
  const { startedWith, variables, keepPurser, ownFolder } = options
  const kept = Object.entries(startedWith).filter(([name]) => keepPurser || !OURS.test(name))
  return {
    ...Object.fromEntries(kept),
    ...(ownFolder !== undefined && { [FILES_VARIABLE]: ownFolder }),
    ...Object.fromEntries([...variables].map(([name, value]) => [name, value.reveal()]))
  }
}
