/**
 * The environment of a command that connects to stores. Rule: what the process was started with wins over `.env`, also
 * after a reload; and what is meant for a cloud's SDK stands where the SDK looks for it.
 */
import { type Environ, readEnviron, sdkVariablesIn } from '../config/env.ts'

/** Before anything of `.env` was added to it. */
export const STARTED_WITH: Environ = { ...process.env }

/** From now on this file is read in the place of `.env`: the flag wins over the variable. */
export const useEnvFile = (file: string): void => {
  process.env['ENV_FILE'] = file
  Object.assign(STARTED_WITH, { ENV_FILE: file })
}

/** What the process was started with over what `.env` says now. */
export const shareEnviron = (folder: string): Environ => {
  const environ = readEnviron(STARTED_WITH, folder)
  Object.assign(process.env, sdkVariablesIn(environ))
  return environ
}
