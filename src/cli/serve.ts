/**
 * `purser serve`: the service in this process, or with WORKERS a supervisor of several. Rule: whichever it is, it holds the
 * data folder, and what only the other one needs is not loaded.
 */
import type { Logger } from 'pino'
import { readConfig } from '../config/config.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import { holdDirectory } from '../state/data-lock.ts'
import { createLogger } from '../telemetry/logger.ts'
import { STARTED_WITH } from './environment.ts'
import { cannotStart } from './failure.ts'
import { quiet } from './quiet.ts'
import type { Control } from './service.ts'
import { logOnStandardOutput } from './standard-output.ts'
import { stopOnSignals } from './stop.ts'

const hold = async (dataDir: string, logger: Logger): Promise<void> => {
  const { isHeld, release } = await holdDirectory(dataDir).catch((error: unknown) => {
    throw cannotStart(error)
  })
  process.once('exit', release)
  if (!isHeld) logger.warn('whether another service works on DATA_DIR cannot be told here')
}

const obeySignals = ({ stop, reload }: Control): void => {
  process.on('SIGHUP', () => void reload(undefined).catch(() => {}))
  stopOnSignals(() => stop(0))
}

/** What `purser quickstart` adds. */
export interface Started {
  /** Called once the service listens. */
  readonly announce: (origin: string, consoleOrigin: string | undefined) => Promise<void>
  readonly signInCodes?: SignInCodes | undefined
}

/** Serves the configuration of the folder until a signal. */
export const serve = async (
  folder: string,
  { announce, signInCodes }: Started = { announce: async () => {} }
): Promise<void> => {
  const config = readConfig(STARTED_WITH, folder, true)
  const logger = createLogger(config.settings.LOG_LEVEL, logOnStandardOutput())
  quiet((message, fields) => logger.warn(fields, message))
  await hold(config.dataDir, logger)
  const serves = (origin: string, consoleOrigin?: string): Promise<void> => {
    const { pid } = process
    logger.info({ pid }, 'SIGHUP reloads the configuration, SIGTERM ends the service')
    return announce(origin, consoleOrigin)
  }
  if (config.settings.WORKERS > 1) {
    const { supervise } = await import('./supervise.ts')
    return supervise(config.settings, logger, serves)
  }
  const { runService } = await import('./service.ts')
  await runService(config, {
    folder,
    logger,
    control: obeySignals,
    listens: (label, address) => `${label} at ${address}`,
    serves,
    signInCodes,
    reloadOthers: async () => [],
    figuresOfOthers: async () => []
  })
}
