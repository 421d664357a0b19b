/**
 * The environment of a command that connects to stores. Rule: what the process was started with wins over `.env`, also
 * after a reload; and what is meant for a cloud's SDK stands where the SDK looks for it.
 */
import { type Environ, readEnviron, sdkVariablesIn } from '../config/env.ts'

/** Before anything of `.env` was added to it. */
export const STARTED_WITH: Environ = { ...process.env }

/** What the process was started with over what `.env` says now. */
export const shareEnviron = (folder: string): Environ => {
  const environ = readEnviron(STARTED_WITH, folder)
  Object.assign(process.env, sdkVariablesIn(environ))
  return environ
}
