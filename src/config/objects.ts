/**
 * `bots:` and `providers:` of `purser.yaml`, in VoiceAI Connect's own form. Rule: names are told apart, a bot's provider is
 * there, every reference leads to a configured store, and all faults are reported at once.
 */
import {
  type Configuration,
  type ConfigurationKind,
  objectFault,
  parseConfiguration,
  strayReferences
} from '../core/bot.ts'
import type { ReferenceBook } from '../core/reference.ts'
import type { Report } from './shape.ts'

export type Configurations = ReadonlyMap<string, Configuration>

export interface Objects {
  readonly providers: Configurations
  readonly bots: Configurations
}

/** `book` is undefined where a store is itself at fault: what leads to it would only repeat that. */
export const readObjects = (
  written: { readonly providers: readonly unknown[]; readonly bots: readonly unknown[] },
  book: ReferenceBook | undefined,
  report: Report
): Objects => {
  const readAll = (
    kind: ConfigurationKind,
    list: 'providers' | 'bots',
    providers?: Configurations
  ): Configurations => {
    const found = new Map<string, Configuration>()
    written[list].forEach((entry, index) => {
      const { configuration, faults } = parseConfiguration(kind, entry)
      const { name, provider, credentials } = configuration
      const all = [...faults, ...(book === undefined ? [] : strayReferences(credentials, book))]
      if (provider !== undefined && providers?.has(provider) === false) {
        all.push(objectFault('invalid_request', ['provider'], 'unknown_provider'))
      }
      for (const { path, message } of all) report([list, index, ...path], message)
      if (found.has(name)) report([list, index, 'name'], 'stands twice')
      found.set(name, configuration)
    })
    return found
  }
  const providers = readAll('provider', 'providers')
  return { providers, bots: readAll('bot', 'bots', providers) }
}
