/** The lines of `.env` that are meant for an SDK, as their users expect to find them there. Rule: each kind says which are its. */
import { catalog } from '../kinds/catalog.ts'
import type { Environ } from './env.ts'

export const sdkVariablesIn = (environ: Environ): Environ =>
  Object.fromEntries(
    Object.entries(environ).filter(([name]) =>
      catalog.some(({ sdkVariables }) => sdkVariables?.test(name))
    )
  )
