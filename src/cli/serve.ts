/**
 * `purser serve`: the service in this process, or with WORKERS a supervisor of several. Rule: whichever it is, it holds the
 * data folder, and what only the other one needs is not loaded.
 */
import type { Logger } from 'pino'
import { readConfig } from '../config/config.ts'
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

/**
 * Serves the configuration of the folder until a signal; `announce` is called once the service listens, with the origin of
 * its public listener.
 */
export const serve = async (
  folder: string,
  announce: (origin: string) => Promise<void> = async () => {}
): Promise<void> => {
  const config = readConfig(STARTED_WITH, folder, true)
  const logger = createLogger(config.settings.LOG_LEVEL, logOnStandardOutput())
  quiet((message, fields) => logger.warn(fields, message))
  await hold(config.dataDir, logger)
  const serves = (origin: string): Promise<void> => {
    const { pid } = process
    logger.info({ pid }, 'SIGHUP reloads the configuration, SIGTERM ends the service')
    return announce(origin)
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
    reloadOthers: async () => [],
    figuresOfOthers: async () => []
  })
}
