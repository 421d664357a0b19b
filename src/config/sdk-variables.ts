/**
 * The lines of `.env` that are meant for an SDK, where operators expect to put them. Rule: each kind says which
 * variables are its own.
 */
import { catalog } from '../kinds/catalog.ts'
import type { Environ } from './env.ts'

export const sdkVariablesIn = (environ: Environ): Environ =>
  Object.fromEntries(
    Object.entries(environ).filter(([name]) =>
      catalog.some(({ sdkVariables }) => sdkVariables?.test(name))
    )
  )
