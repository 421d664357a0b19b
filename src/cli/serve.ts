/**
 * `purser serve`: the service as a process. Rule: it starts with a whole configuration or not at all, a reload takes
 * over a whole configuration or nothing, and it ends when told to, after the requests that are under way.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { RELOADED } from '../app/live.ts'
import { type App, buildApp } from '../app.ts'
import { type Config, readConfig } from '../config/config.ts'
import { ConfigError, type ConfigFault } from '../config/fault.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import { type SettingName, settingNames } from '../config/settings.ts'
import { warningsOf } from '../config/warnings.ts'
import { ProblemError } from '../core/problem.ts'
import { holdDirectory } from '../state/data-lock.ts'
import { createLogger } from '../telemetry/logger.ts'
import { STARTED_WITH } from './environment.ts'
import { CommandFailure } from './failure.ts'
import { quiet } from './quiet.ts'
import { shareEnviron } from './share-environ.ts'

/** Orchestrators kill after 30 seconds by default, some after 10. */
const SHUTDOWN_MS = 10_000

/** A process under npm gets a Ctrl-C twice, from the terminal and from npm: that counts as one signal. */
const ECHO_MS = 250

/** Settings that differ from those the process was started with and steer nothing before a restart. */
const needRestart = (started: Config, next: Config): SettingName[] => {
  const changed = settingNames.filter(
    (name) =>
      !RELOADED.includes(name) && !isDeepStrictEqual(started.settings[name], next.settings[name])
  )
  const isSameTls = isDeepStrictEqual(started.tls, next.tls)
  return isSameTls || changed.includes('TLS_CERT_FILE') ? changed : [...changed, 'TLS_CERT_FILE']
}

/** Of `localhost` Fastify makes a second server for ::1, which would have none of the bounds of the first. */
const oneAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

const listen = async ({ listeners }: App): Promise<void> => {
  for (const { listener, server } of listeners) {
    const { label, host, port } = listener
    const listenTextResolver = (address: string): string => `${label} at ${address}`
    await server.listen({ host: oneAddress(host), port, listenTextResolver })
  }
}

const cannotStart = (error: unknown): Error => {
  if (error instanceof ConfigError) return error
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  const place = `${address ?? 'HOST'}:${port ?? 'PORT'}`
  if (code === 'EADDRINUSE') return new CommandFailure(`${place} is in use by another process.`)
  return new CommandFailure(`The service cannot start: ${message}.`)
}

interface Stop {
  /** Ends the process: exit code 0 if it was asked to and everything was answered and closed in time. */
  readonly stop: (exitCode: 0 | 1) => void
  readonly isStopping: () => boolean
}

/** Waits for a start that is under way, so that what it has opened by then is closed in the usual order. */
const createStop = (starting: Promise<App>, logger: Logger, drainMs: number): Stop => {
  let stoppingSince: number | undefined

  /** Load balancers need time to see that it is not ready. */
  const drain = async (app: App | undefined): Promise<void> => {
    app?.drain()
    if (drainMs === 0 || app?.server.server.listening !== true) return
    logger.info({ seconds: drainMs / 1000 }, 'the service is not ready any more, and will end')
    await sleep(drainMs)
  }

  const close = async (exitCode: 0 | 1): Promise<void> => {
    try {
      const app = await starting.catch(() => undefined)
      // After an unexpected failure there is no time to lose.
      if (exitCode === 0) await drain(app)
      else app?.drain()
      logger.info('the service ends after the requests under way')
      await app?.close()
      process.exit(exitCode)
    } catch (error) {
      logger.error({ err: error }, 'the service did not close cleanly')
      process.exit(1)
    }
  }

  const stop = (exitCode: 0 | 1): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > ECHO_MS) process.exit(1)
      return
    }
    stoppingSince = performance.now()
    setTimeout(
      () => {
        logger.error('requests were still under way: they are cut off')
        process.exit(1)
      },
      (exitCode === 0 ? drainMs : 0) + SHUTDOWN_MS
    )
    void close(exitCode)
  }
  return { stop, isStopping: () => stoppingSince !== undefined }
}

/**
 * To be called before the first part of the service is there: the default action of a signal would leave half a start
 * behind.
 */
const handleEvents = (
  { stop }: Stop,
  logger: Logger,
  requestReload: (by: ReloadedBy) => Promise<readonly ConfigFault[]>
): void => {
  process.on('SIGHUP', () => void requestReload(undefined).catch(() => {}))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0))
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'an unexpected failure: the service stops')
      stop(1)
    })
  }
}

/** Serves the configuration of the folder until a signal; `announce` is called once it listens. */
export const serve = async (
  folder: string,
  announce: (config: Config, origin: string) => Promise<void> = async () => {}
): Promise<void> => {
  const config = readConfig(STARTED_WITH, folder, true)
  const logger = createLogger(config.settings.LOG_LEVEL)
  quiet((message, fields) => logger.warn(fields, message))
  const warn = (app: App): void => {
    for (const warning of warningsOf(app.config())) logger.warn(warning)
  }

  const reload = async (by: ReloadedBy): Promise<readonly ConfigFault[]> => {
    try {
      // A signal may come before there is anything to reload.
      const app = await starting
      let read = config
      await app.reload(() => {
        read = readConfig(STARTED_WITH, folder, true)
        return [read, shareEnviron(folder)]
      }, by)
      logger.info('the configuration was reloaded')
      warn(app)
      const settings = needRestart(config, read)
      if (settings.length > 0) logger.warn({ settings }, 'changed settings need a restart')
      return []
    } catch (error) {
      const faults =
        error instanceof ConfigError
          ? { faults: error.faults.map(({ place, message }) => `${place}: ${message}`) }
          : { err: error }
      logger.error(faults, 'the configuration was not reloaded: nothing changed')
      if (error instanceof ConfigError) return error.faults
      // Without a record nothing changes, and whoever asked is told so.
      if (error instanceof ProblemError) throw error
      return [{ place: 'the configuration', message: 'cannot be taken over: the log says why' }]
    }
  }

  let reloads: Promise<readonly ConfigFault[]> = Promise.resolve([])
  const requestReload = (by: ReloadedBy): Promise<readonly ConfigFault[]> => {
    reloads = reloads.catch(() => []).then(() => reload(by))
    return reloads
  }

  const environ = shareEnviron(folder)
  // The start begins in the next microtask, when everything below is defined.
  const starting = Promise.resolve().then(async () => {
    const { isHeld, release } = await holdDirectory(config.dataDir)
    process.once('exit', release)
    if (!isHeld) logger.warn('whether another service works on DATA_DIR cannot be told here')
    return buildApp(config, { environ, logger, requestReload, refusesToLackKeys: true })
  })
  const stop = createStop(starting, logger, config.settings.DRAIN_SECONDS * 1000)
  handleEvents(stop, logger, requestReload)
  const app = await starting.catch((error: unknown) => {
    throw cannotStart(error)
  })
  if (stop.isStopping()) return
  try {
    await listen(app)
  } catch (error) {
    if (stop.isStopping()) return
    await app.close()
    throw cannotStart(error)
  }
  if (stop.isStopping()) return
  app.lookAround()
  logger.info({ pid: process.pid }, 'SIGHUP reloads the configuration, SIGTERM ends the service')
  warn(app)
  await announce(config, app.server.listeningOrigin)
}
