/** What is allowed but should be known, as sentences. Rule: each names its place, and none a value. */

import { isLoopback } from '../core/network.ts'
import type { Config } from './config.ts'
import { endedBy } from './ends.ts'
import { exposureWarnings } from './exposure.ts'
import { skipsVerify, travelsInTheClear } from './store.ts'
import { isGuarded } from './together.ts'

/** What a warning is about, so that `purser doctor` shows it with what else it looks at there. */
export type Topic =
  | 'configuration'
  | 'stores'
  | 'redis'
  | 'audit'
  | 'limits'
  | 'log'
  | 'files'
  | 'bind'

export interface Warning {
  readonly about: Topic
  readonly message: string
}

const about =
  (topic: Topic) =>
  (message: string): Warning => ({ about: topic, message })

const listed = (stores: Config['stores']): string => stores.map(({ name }) => name).join(', ')

const ofStores = ({ settings, stores }: Config): string[] => {
  const warnings: string[] = []
  const embedded = stores.filter(({ plugin }) => plugin.kind === 'local')
  const unverified = stores.filter(skipsVerify)
  const inTheClear = stores.filter(travelsInTheClear)
  if (isGuarded(settings) && embedded.length > 0) {
    const { ENVIRONMENT } = settings
    warnings.push(`a store of kind local is discouraged in ${ENVIRONMENT}: ${listed(embedded)}`)
  }
  if (unverified.length > 0) {
    warnings.push(`whoever answers is taken for the store, unverified: ${listed(unverified)}`)
  }
  if (inTheClear.length > 0) {
    warnings.push(
      `secrets travel in the clear to a store at an http: address: ${listed(inTheClear)}`
    )
  }
  return warnings
}

/** What the way to a Redis in the network lacks; nothing on this machine. */
export const redisLacks = (
  address: Config['settings']['REDIS_URL']
): readonly ('password' | 'TLS')[] => {
  if (address === undefined || address.kind === 'socket') return []
  if (address.nodes.every(({ host }) => isLoopback(host))) return []
  const { password, tls } = address
  return [
    ...(password === undefined ? (['password'] as const) : []),
    ...(tls ? [] : (['TLS'] as const))
  ]
}

/** What hardly anybody intends in pre and pro. */
const ofEarnest = (config: Config): Warning[] => {
  const { settings } = config
  const { ENVIRONMENT, REDIS_URL } = settings
  const warnings: Warning[] = []
  const warn = (topic: Topic, message: string): number => warnings.push(about(topic)(message))
  if (redisLacks(REDIS_URL).length > 0) {
    warn(
      'redis',
      'REDIS_URL leads into the network without a password or without TLS: whoever is there can read along or change what is kept'
    )
  }
  if (!settings.AUDIT_REQUIRED) {
    warn('audit', `AUDIT_REQUIRED=false in ${ENVIRONMENT}: secrets may leave unrecorded`)
  }
  if (!settings.RATE_LIMIT_ENABLED) {
    warn(
      'limits',
      `RATE_LIMIT_ENABLED=false in ${ENVIRONMENT}: nothing bounds how fast keys are tried or secrets read`
    )
  }
  if (settings.LOG_LEVEL === 'silent') {
    warn('log', `LOG_LEVEL=silent in ${ENVIRONMENT}: nobody hears of a failure`)
  }
  return [...warnings, ...exposureWarnings(config).map(about('files'))]
}

/** `now` in milliseconds since the epoch. */
export const warningsIn = (config: Config, now: number): Warning[] => {
  const { settings, tls, notes } = config
  const warnings = notes.map(about('configuration'))
  const ended = endedBy(config, now)
  if (ended.length > 0) {
    warnings.push(
      about('configuration')(`rules that have ended and allow nothing: ${ended.join('; ')}`)
    )
  }
  if (settings.CONSOLE_ENABLED && settings.JWT_SECRET === undefined) {
    warnings.push(
      about('configuration')(
        'CONSOLE_ENABLED without JWT_SECRET: nobody can sign in to the console'
      )
    )
  }
  warnings.push(...ofStores(config).map(about('stores')))
  if (isGuarded(settings)) warnings.push(...ofEarnest(config))
  if (!isLoopback(settings.HOST) && tls === undefined) {
    warnings.push(
      about('bind')('HOST is open to the network without TLS: keys and secrets travel in the clear')
    )
  }
  const open = config.doors.filter(({ place }) => !isLoopback(place?.host ?? settings.HOST))
  if (open.length > 0 && tls === undefined) {
    const which = open.map(({ dialect }) => dialect).join(', ')
    warnings.push(about('bind')(`doors are open to the network without TLS: ${which}`))
  }
  return warnings
}

/** As sentences. */
export const warningsOf = (config: Config, now = Date.now()): string[] =>
  warningsIn(config, now).map(({ message }) => message)
