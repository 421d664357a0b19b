/** `purser config check`: what a start would say of the configuration, without starting. */
import type { Command } from 'commander'
import { type Config, readConfig } from '../config/config.ts'
import { isGuarded } from '../config/env.ts'
import { skipsVerify } from '../config/store.ts'
import { tell } from './io.ts'

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** What is allowed but should be known, as sentences. */
export const warningsOf = ({ settings, stores, tls, withoutEffect }: Config): string[] => {
  const { ENVIRONMENT, HOST } = settings
  const namesOf = (chosen: typeof stores): string => chosen.map(({ name }) => name).join(', ')
  const embedded = stores.filter(({ plugin }) => plugin.kind === 'local')
  const unverified = stores.filter(skipsVerify)
  const inTheClear = stores.filter(
    ({ address }) =>
      address.kind === 'vault' &&
      address.origin.startsWith('http:') &&
      !isLoopback(new URL(address.origin).hostname)
  )
  const warnings: string[] = []
  if (withoutEffect.length > 0) {
    warnings.push(`set, but without effect in this version: ${withoutEffect.join(', ')}`)
  }
  if (isGuarded(settings) && embedded.length > 0) {
    warnings.push(`a store of kind local is discouraged in ${ENVIRONMENT}: ${namesOf(embedded)}`)
  }
  if (unverified.length > 0) {
    warnings.push(`whoever answers is taken for the store, unverified: ${namesOf(unverified)}`)
  }
  if (inTheClear.length > 0) {
    warnings.push(
      `secrets travel in the clear to a store at an http: address: ${namesOf(inTheClear)}`
    )
  }
  const { REDIS_URL } = settings
  if (
    isGuarded(settings) &&
    REDIS_URL?.nodes.some(({ host }) => !isLoopback(host)) &&
    (REDIS_URL.password === undefined || !REDIS_URL.tls)
  ) {
    warnings.push(
      'REDIS_URL leads into the network without a password or without TLS: whoever is there can read along or change what is kept'
    )
  }
  if (isGuarded(settings) && !settings.AUDIT_REQUIRED) {
    warnings.push(`AUDIT_REQUIRED=false in ${ENVIRONMENT}: secrets may leave unrecorded`)
  }
  if (!isLoopback(HOST) && tls === undefined) {
    warnings.push('HOST is open to the network without TLS: keys and secrets travel in the clear')
  }
  return warnings
}

const check = (): void => {
  const config = readConfig(process.env, process.cwd())
  for (const warning of warningsOf(config)) tell(`Warning: ${warning}`)
  const { stores, policies, book, providers, bots, channels } = config
  const defined = stores.filter(({ definition }) => definition !== undefined)
  if (defined.length > 0) {
    const names = defined.map(({ name }) => name).join(', ')
    tell(`Not checked: the definitions in other stores, which are read at the start: ${names}`)
  }
  const sizes = [
    `${stores.length} stores, ${policies.length} policies, ${book.names.size} names`,
    ...(bots.size > 0 ? [`${bots.size} bots`] : []),
    ...(providers.size > 0 ? [`${providers.size} bot providers`] : []),
    ...(channels.size > 0 ? [`${channels.size} channels`] : [])
  ]
  console.log(`The configuration is valid: ${sizes.join(', ')}.`)
}

export const addConfigCommand = (program: Command): void => {
  program
    .command('config')
    .description('the configuration')
    .command('check')
    .description('validate .env and purser.yaml; every fault is listed with its place')
    .addHelpText('after', '\nExample:\n  $ purser config check && kill -HUP <pid of purser serve>')
    .action(check)
}
