/** `purser config check`: what a start would say of the configuration, without starting. */
import type { Command } from 'commander'
import { type Config, readConfig } from '../config/config.ts'
import { warningsOf } from '../config/warnings.ts'
import { tell } from './io.ts'

/** What keeps the definition of another store is part of that one. */
const configured = (stores: Config['stores']): number => {
  const sources = new Set(stores.map(({ definition }) => definition?.source.name))
  return stores.filter(({ name }) => !sources.has(name)).length
}

const check = (): void => {
  const config = readConfig(process.env, process.cwd(), true)
  for (const warning of warningsOf(config)) tell(`Warning: ${warning}`)
  const { stores, policies, book, providers, bots, channels } = config
  const defined = stores.filter(({ definition }) => definition !== undefined)
  if (defined.length > 0) {
    const names = defined.map(({ name }) => name).join(', ')
    tell(`Not checked: the definitions in other stores, which are read at the start: ${names}`)
  }
  const sizes = [
    `${configured(stores)} stores, ${policies.length} policies, ${book.names.size} names`,
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
