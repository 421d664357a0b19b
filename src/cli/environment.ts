/** The environment of a command. Rule: what the process was started with wins over `.env`, also after a reload. */
import type { Environ } from '../config/env.ts'

/** Before anything of `.env` was added to it. */
export const STARTED_WITH: Environ = { ...process.env }

/** From now on this file is read in the place of `.env`: the flag wins over the variable. */
export const useEnvFile = (file: string): void => {
  process.env['ENV_FILE'] = file
  Object.assign(STARTED_WITH, { ENV_FILE: file })
}
