/**
 * How a process of the service ends. Rule: in order and within a bound; at once if it is told a second time; and with
 * exit code 0 only if it was asked to and all went well.
 */
import type { Logger } from 'pino'

/** Orchestrators kill after 30 seconds by default, some after 10. */
export const SHUTDOWN_MS = 10_000

/** A process under npm gets a Ctrl-C twice, from the terminal and from npm: that counts as one signal. */
const ECHO_MS = 250

export type ExitCode = 0 | 1

export interface Stop {
  /** Ends the process. */
  readonly stop: (exitCode: ExitCode) => void
  readonly isStopping: () => boolean
}

export interface StopOptions {
  readonly logger: Logger
  /** How long an end that was asked for is put off, so that load balancers look elsewhere. */
  readonly drainMs: number
  /** Milliseconds beyond that. */
  readonly patienceMs?: number
  /** Resolves with the exit code once everything is closed. */
  readonly end: (exitCode: ExitCode) => Promise<ExitCode>
  /** Called before the process ends while something is left. */
  readonly cutOff?: () => void
}

export const createStop = (options: StopOptions): Stop => {
  const { logger, drainMs, patienceMs = SHUTDOWN_MS, end, cutOff = () => {} } = options
  let stoppingSince: number | undefined

  const exitAtOnce = (): void => {
    cutOff()
    process.exit(1)
  }
  const close = async (exitCode: ExitCode): Promise<void> => {
    try {
      process.exit(await end(exitCode))
    } catch (error) {
      logger.error({ err: error }, 'the service did not close cleanly')
      exitAtOnce()
    }
  }
  const stop = (exitCode: ExitCode): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > ECHO_MS) exitAtOnce()
      return
    }
    stoppingSince = performance.now()
    // After an unexpected failure there is no time to lose.
    const boundMs = (exitCode === 0 ? drainMs : 0) + patienceMs
    setTimeout(() => {
      logger.error('requests were still under way: they are cut off')
      exitAtOnce()
    }, boundMs)
    void close(exitCode)
  }
  return { stop, isStopping: () => stoppingSince !== undefined }
}

/** To be called before the first part is there: the default action would leave half a start behind. */
export const stopOnFailure = ({ stop }: Stop, logger: Logger): void => {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'an unexpected failure: the service stops')
      stop(1)
    })
  }
}

/** As above. */
export const stopOnSignals = (stop: () => void): void => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
}
