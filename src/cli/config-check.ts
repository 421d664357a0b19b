/** `purser config check`: what a start would say of the configuration, without starting. */
import type { Command } from 'commander'
import { type Config, readConfig } from '../config/config.ts'
import { tell } from './io.ts'

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** What is allowed but should be known, as sentences. */
export const warningsOf = ({ settings, stores, tls, withoutEffect }: Config): string[] => {
  const { ENVIRONMENT, HOST } = settings
  const isGuarded = ENVIRONMENT === 'pre' || ENVIRONMENT === 'pro'
  const embedded = stores.filter(({ plugin }) => plugin.kind === 'local').map(({ name }) => name)
  const warnings: string[] = []
  if (withoutEffect.length > 0) {
    warnings.push(`set, but without effect in this version: ${withoutEffect.join(', ')}`)
  }
  if (isGuarded && embedded.length > 0) {
    const names = embedded.join(', ')
    warnings.push(`a store of kind local is discouraged in ${ENVIRONMENT}: ${names}`)
  }
  if (!isLoopback(HOST) && tls === undefined) {
    warnings.push('HOST is open to the network without TLS: keys and secrets travel in the clear')
  }
  return warnings
}

const check = (): void => {
  const config = readConfig(process.env, process.cwd())
  for (const warning of warningsOf(config)) tell(`Warning: ${warning}`)
  const { stores, policies, book } = config
  const sizes = `${stores.length} stores, ${policies.length} policies, ${book.names.size} names`
  console.log(`The configuration is valid: ${sizes}.`)
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
