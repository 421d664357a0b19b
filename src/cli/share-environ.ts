/**
 * The environment of a command that connects to stores. Rule: what is meant for a cloud's SDK stands where the SDK
 * looks for it.
 */
import { type Environ, readEnviron } from '../config/env.ts'
import { sdkVariablesIn } from '../config/sdk-variables.ts'
import { STARTED_WITH } from './environment.ts'

/** What the process was started with over what `.env` says now. */
export const shareEnviron = (folder: string): Environ => {
  const environ = readEnviron(STARTED_WITH, folder)
  Object.assign(process.env, sdkVariablesIn(environ))
  return environ
}
