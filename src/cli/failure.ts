/**
 * How a command fails. Rule: what was to be expected is a sentence on stderr, without a stack; of anything else only
 * what `describeError` lets through is shown, since a message may quote a value. Exit codes: 1 failed, 2 wrong usage.
 */
import { CommanderError } from 'commander'
import { ConfigError } from '../config/fault.ts'
import { ProviderFault, UNFIT_CREDENTIAL } from '../core/fault.ts'
import { PROBLEMS, ProblemError, problemOfFault } from '../core/problem.ts'
import { describeError } from '../telemetry/describe-error.ts'

export class CommandFailure extends Error {
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}

/** For what was typed: arguments that the grammar of the command accepts and the command does not. */
export const usageFailure = (message: string): CommandFailure => new CommandFailure(message, 2)

/** As a sentence, why a service does not come about; what is wrong with its configuration stays as it is. */
export const cannotStart = (error: unknown): Error => {
  if (error instanceof ConfigError) return error
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  const place = `${address ?? 'HOST'}:${port ?? 'PORT'}`
  if (code === 'EADDRINUSE') return new CommandFailure(`${place} is in use by another process.`)
  return new CommandFailure(`The service cannot start: ${message}.`)
}

/** What to do about faults of which we know it. */
const HINTS: Readonly<Record<string, string>> = {
  envelope_not_opened:
    'The secret is damaged, or under an encryption key that ENCRYPTION_KEYS no longer holds: put that key back before the active one.',
  credential_missing: 'The credential of the store is not where its setting says.',
  [UNFIT_CREDENTIAL]: 'The file of the credential is no regular file, or too long.'
}

const sentence = (error: unknown): string => {
  if (error instanceof CommandFailure || error instanceof ConfigError) return error.message
  if (error instanceof ProblemError) {
    const { code, details, reason } = error
    const why = reason === undefined ? '' : ` (${reason})`
    return details.detail ?? `${PROBLEMS[code].title}${why}.`
  }
  if (error instanceof ProviderFault) {
    const { code, status, reason } = error
    const facts = [code, status].filter((fact) => fact !== undefined)
    const { title } = PROBLEMS[problemOfFault[reason]]
    const told = facts.length > 0 ? `${title} (${facts.join(', ')}).` : `${title}.`
    const hint = HINTS[code ?? '']
    return hint === undefined ? told : `${told} ${hint}`
  }
  return `An unexpected failure: ${JSON.stringify(describeError(error), null, 2)}`
}

/** Says on stderr why, and resolves to the exit code. Commander has said its part already. */
export const reportFailure = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  process.stderr.write(`${sentence(error)}\n`)
  // A reference on the command line that nobody can read was mistyped, as any other argument may be.
  if (error instanceof ProblemError && error.code === 'invalid_reference') return 2
  return error instanceof CommandFailure ? error.exitCode : 1
}
