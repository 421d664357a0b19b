/**
 * The environment of a command that connects to stores. Rule: what operators put into `.env` for an SDK stands where that
 * looks for it; each kind says which variables are its own.
 */
import { type Environ, readEnviron } from '../config/env.ts'
import { catalog } from '../kinds/catalog.ts'
import { STARTED_WITH } from './environment.ts'

/** Its SDK reads them by itself too. */
const OPENTELEMETRY = /^OTEL_/

export const sdkVariablesIn = (environ: Environ): Environ =>
  Object.fromEntries(
    Object.entries(environ).filter(
      ([name]) =>
        OPENTELEMETRY.test(name) || catalog.some(({ sdkVariables }) => sdkVariables?.test(name))
    )
  )

/** What the process was started with over what `.env` says now. */
export const shareEnviron = (folder: string): Environ => {
  const environ = readEnviron(STARTED_WITH, folder)
  Object.assign(process.env, sdkVariablesIn(environ))
  return environ
}
