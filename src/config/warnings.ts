/** What is allowed but should be known, as sentences. Rule: each names its place, and none a value. */
import type { Config } from './config.ts'
import { isGuarded } from './env.ts'
import { exposureWarnings } from './exposure.ts'
import { isLoopback } from './network.ts'
import { skipsVerify, travelsInTheClear } from './store.ts'

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

/** What hardly anybody intends in pre and pro. */
const ofEarnest = (config: Config): string[] => {
  const { settings } = config
  const { ENVIRONMENT, REDIS_URL } = settings
  const warnings: string[] = []
  if (
    REDIS_URL?.kind !== 'socket' &&
    REDIS_URL?.nodes.some(({ host }) => !isLoopback(host)) &&
    (REDIS_URL.password === undefined || !REDIS_URL.tls)
  ) {
    warnings.push(
      'REDIS_URL leads into the network without a password or without TLS: whoever is there can read along or change what is kept'
    )
  }
  if (!settings.AUDIT_REQUIRED) {
    warnings.push(`AUDIT_REQUIRED=false in ${ENVIRONMENT}: secrets may leave unrecorded`)
  }
  if (!settings.RATE_LIMIT_ENABLED) {
    warnings.push(
      `RATE_LIMIT_ENABLED=false in ${ENVIRONMENT}: nothing bounds how fast keys are tried or secrets read`
    )
  }
  if (settings.LOG_LEVEL === 'silent') {
    warnings.push(`LOG_LEVEL=silent in ${ENVIRONMENT}: nobody hears of a failure`)
  }
  return [...warnings, ...exposureWarnings(config)]
}

export const warningsOf = (config: Config): string[] => {
  const { settings, tls, withoutEffect, notes } = config
  const warnings = [...notes]
  if (withoutEffect.length > 0) {
    warnings.push(`set, but without effect in this version: ${withoutEffect.join(', ')}`)
  }
  warnings.push(...ofStores(config))
  if (isGuarded(settings)) warnings.push(...ofEarnest(config))
  if (!isLoopback(settings.HOST) && tls === undefined) {
    warnings.push('HOST is open to the network without TLS: keys and secrets travel in the clear')
  }
  return warnings
}
