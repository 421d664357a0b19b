/**
 * What is examined: settings and file with all that is wrong with them, the machine, and the peers. Rule: what cannot be
 * read is a fault in here, and no reason not to look at the rest.
 */
import { type Config, readConfig } from '../config/config.ts'
import { type EnvFile, type Environ, readEnvFile, settingsIn } from '../config/env.ts'
import { ConfigError, type ConfigFault } from '../config/fault.ts'
import type { Settings } from '../config/settings.ts'
import { isGuarded } from '../config/together.ts'
import { type Warning, warningsIn } from '../config/warnings.ts'
import type { Machine } from './machine.ts'
import type { Peers } from './peers.ts'

export interface Installation {
  /** Against which relative paths are resolved. */
  readonly folder: string
  readonly envFile: EnvFile
  /** Those that are not at fault. */
  readonly settings: Partial<Settings>
  /** Absent where anything is at fault that no environment takes. */
  readonly config: Config | undefined
  readonly faults: readonly ConfigFault[]
  /** What else pre and pro would refuse. */
  readonly faultsInEarnest: readonly ConfigFault[]
  /** As pre and pro would have them. */
  readonly warnings: readonly Warning[]
  /** Whether it is pre or pro. */
  readonly isEarnest: boolean
  readonly machine: Machine
  readonly peers: Peers
  /** Milliseconds since the epoch. */
  readonly now: number
}

interface Read {
  readonly config?: Config
  readonly faults: readonly ConfigFault[]
  readonly notes: readonly string[]
}

const read = (environ: Environ, folder: string): Read => {
  try {
    const config = readConfig(environ, folder, true)
    return { config, faults: [], notes: config.notes }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { faults: error.faults, notes: error.warnings }
  }
}

/** The environment that is meant where it is not, and what it is called. */
export const EARNEST = 'pro'

/** What pre and pro alone refuse is no reason not to look at the peers. */
const readLeniently = (environ: Environ, folder: string, settings: Partial<Settings>): Read => {
  const found = read({ ...environ, ENVIRONMENT: 'dev' }, folder)
  if (found.config === undefined) return found
  const { ENVIRONMENT = EARNEST } = settings
  return {
    ...found,
    config: { ...found.config, settings: { ...found.config.settings, ENVIRONMENT } }
  }
}

const warningsOfAll = (
  { config, notes }: Read,
  isEarnest: boolean,
  now: number
): readonly Warning[] => {
  if (config === undefined) {
    return notes.map((message) => ({ about: 'configuration' as const, message }))
  }
  const ENVIRONMENT = isEarnest ? config.settings.ENVIRONMENT : EARNEST
  return warningsIn({ ...config, settings: { ...config.settings, ENVIRONMENT } }, now)
}

const without = (faults: readonly ConfigFault[], known: readonly ConfigFault[]): ConfigFault[] =>
  faults.filter(
    ({ place, message }) => !known.some((one) => one.place === place && one.message === message)
  )

export interface Surroundings {
  readonly machine: Machine
  readonly now: number
  readonly peersOf: (config: Config | undefined) => Peers
}

/** `environ` is that of the process; the file of settings is looked for as a start does. */
export const readInstallation = (
  environ: Environ,
  folder: string,
  { machine, now, peersOf }: Surroundings
): Installation => {
  const envFile = readEnvFile(environ, folder)
  const { settings } = settingsIn(envFile, folder)
  // Where it is at fault, the strictest is meant.
  const isEarnest = isGuarded({ ENVIRONMENT: EARNEST, ...settings })
  const found = read(environ, folder)
  const looked = found.config === undefined ? readLeniently(environ, folder, settings) : found
  const inEarnest = isEarnest ? found : read({ ...environ, ENVIRONMENT: EARNEST }, folder)
  return {
    folder,
    envFile,
    settings,
    config: looked.config,
    faults: found.faults,
    faultsInEarnest: without(inEarnest.faults, found.faults),
    warnings: warningsOfAll(looked, isEarnest, now),
    isEarnest,
    machine,
    peers: peersOf(looked.config),
    now
  }
}
