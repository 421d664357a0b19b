/**
 * The service as one process. Rule: it starts with a whole configuration or not at all, a reload takes over a whole
 * configuration or nothing, and it ends when told to, after the requests that are under way.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { WorkerPlace } from '../app/overrides.ts'
import { type App, buildApp } from '../app.ts'
import { type Config, readConfig } from '../config/config.ts'
import { effectiveConfig } from '../config/effective.ts'
import { ConfigError, type ConfigFault } from '../config/fault.ts'
import { changedSince, fixedIn } from '../config/fixed.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import { warningsOf } from '../config/warnings.ts'
import type { Examine } from '../console/doctor.ts'
import { ProblemError } from '../core/problem.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import type { Figures, FiguresOfWorkers } from '../telemetry/metrics.ts'
import { STARTED_WITH } from './environment.ts'
import { cannotStart } from './failure.ts'
import { runDoctor } from './run-doctor.ts'
import { shareEnviron } from './share-environ.ts'
import { createStop, type Stop, stopOnFailure } from './stop.ts'

/** What others may ask of the service from its start on. */
export interface Control extends Stop {
  readonly reload: (by: ReloadedBy) => Promise<readonly ConfigFault[]>
  /** What is measured in this process; none before it has started. */
  readonly figures: () => Promise<Figures>
}

/** What the service is told of the process that it is, and asks of it. */
export interface Surroundings {
  readonly folder: string
  readonly logger: Logger
  readonly worker?: WorkerPlace
  /** Called before anything is opened. */
  readonly control: (control: Control) => void
  /** What the log says of a listener at an address. */
  readonly listens: (label: string, address: string) => string
  /** Called once all listeners listen, with the origin of the public one, and of the console if there is one. */
  readonly serves: (origin: string, consoleOrigin: string | undefined) => Promise<void>
  readonly signInCodes?: SignInCodes | undefined
  /** Has the other processes of the service take over what this one did. Resolves with what they did not. */
  readonly reloadOthers: (by: ReloadedBy) => Promise<readonly ConfigFault[]>
  /** What is measured in the other processes of the service. */
  readonly figuresOfOthers: () => Promise<FiguresOfWorkers>
  /** What the checks of `purser doctor` say, where one process of several runs them for all. */
  readonly doctor?: Examine
}

const doorsIn = (config: Config): string => JSON.stringify(effectiveConfig(config).doors)

/** What differs from what the process was started with and steers nothing before a restart. */
const needRestart = (started: Config, next: Config): readonly string[] => [
  ...changedSince(fixedIn(started.settings), next.settings),
  ...(doorsIn(started) === doorsIn(next) ? [] : ['doors'])
]

/** Of `localhost` Fastify makes a second server for ::1, which would have none of the bounds of the first. */
const oneAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

const listen = async ({ listeners }: App, { listens }: Surroundings): Promise<void> => {
  for (const { listener, server } of listeners) {
    const { label, host, port } = listener
    const listenTextResolver = (address: string): string => listens(label, address)
    await server.listen({ host: oneAddress(host), port, listenTextResolver })
  }
}

/** Waits for a start that is under way, so that what it has opened by then is closed in the usual order. */
const createServiceStop = (starting: Promise<App>, logger: Logger, drainMs: number): Stop => {
  /** Load balancers need time to see that it is not ready. */
  const drain = async (app: App | undefined): Promise<void> => {
    app?.drain()
    if (drainMs === 0 || app?.server.server.listening !== true) return
    logger.info({ seconds: drainMs / 1000 }, 'the service is not ready any more, and will end')
    await sleep(drainMs)
  }
  return createStop({
    logger,
    drainMs,
    end: async (exitCode) => {
      const app = await starting.catch(() => undefined)
      if (exitCode === 0) await drain(app)
      else app?.drain()
      logger.info('the service ends after the requests under way')
      await app?.close()
      return exitCode
    }
  })
}

const warn = (app: App, logger: Logger): void => {
  for (const warning of warningsOf(app.config())) logger.warn(warning)
}

/** One reload after the other; a signal may come before there is anything to reload. */
const createReload = (
  config: Config,
  { folder, logger }: Surroundings,
  starting: () => Promise<App>
): Control['reload'] => {
  const reload = async (by: ReloadedBy): Promise<readonly ConfigFault[]> => {
    try {
      const app = await starting()
      let read = config
      await app.reload(() => {
        read = readConfig(STARTED_WITH, folder, true)
        return [read, shareEnviron(folder)]
      }, by)
      logger.info('the configuration was reloaded')
      warn(app, logger)
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
  return (by) => {
    reloads = reloads.catch(() => []).then(() => reload(by))
    return reloads
  }
}

/** Serves the configuration until it is told to stop. Rejects with a sentence if it cannot start. */
export const runService = async (config: Config, around: Surroundings): Promise<void> => {
  const { folder, logger, worker } = around
  const environ = shareEnviron(folder)
  const reload = createReload(config, around, () => starting)
  // Not among the reloads that wait for each other: those of two processes would wait for one another.
  const requestReload = async (by: ReloadedBy): Promise<readonly ConfigFault[]> => {
    const faults = await reload(by)
    return faults.length > 0 ? faults : around.reloadOthers(by)
  }
  // The start begins in the next microtask, when everything below is defined.
  const starting = Promise.resolve().then(() =>
    buildApp(config, {
      environ,
      logger,
      worker,
      signInCodes: around.signInCodes,
      requestReload,
      figuresOfOthers: around.figuresOfOthers,
      doctor: around.doctor ?? runDoctor(folder),
      refusesToLackKeys: true
    })
  )
  const stop = createServiceStop(starting, logger, config.settings.DRAIN_SECONDS * 1000)
  stopOnFailure(stop, logger)
  const figures = async () => (await starting).figures()
  around.control({ ...stop, reload, figures })
  const app = await starting.catch((error: unknown) => {
    throw cannotStart(error)
  })
  if (stop.isStopping()) return
  try {
    await listen(app, around)
  } catch (error) {
    if (stop.isStopping()) return
    await app.close()
    throw cannotStart(error)
  }
  if (stop.isStopping()) return
  app.lookAround()
  warn(app, logger)
  await around.serves(app.server.listeningOrigin, app.console?.listeningOrigin)
}
