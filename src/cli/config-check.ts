/** `purser config check`: what a start would say of the configuration, without starting. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, readConfig } from '../config/config.ts'
import { ConfigError } from '../config/fault.ts'
import { lookForKeys } from '../config/kept-keys.ts'
import { warningsOf } from '../config/warnings.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { count } from './count.ts'
import { print, tell } from './io.ts'
import { LaterState, requireFormat, statePlaceOf, withOpened } from './state.ts'

/** What keeps the definition of another store is part of that one. */
const configured = (stores: Config['stores']): number => {
  const sources = new Set(stores.map(({ definition }) => definition?.source.name))
  return stores.filter(({ name }) => !sources.has(name)).length
}

/** What is kept may need keys that ENCRYPTION_KEYS lacks. Only looked at: nothing is created, and a service may run. */
const checkKeptKeys = async ({ settings, dataDir }: Config): Promise<void> => {
  const hasState =
    settings.REDIS_URL !== undefined || existsSync(join(dataDir, 'state', 'data.mdb'))
  if (!hasState) return
  const place = statePlaceOf({ ...settings, DATA_DIR: dataDir }, process.cwd())
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const found = await withOpened(place, async ({ state }) => {
    await requireFormat(state)
    return await lookForKeys(state, keyring)
  }).catch((error: unknown) => {
    if (error instanceof LaterState) throw error
    return undefined
  })
  if (found === undefined || !found.isWhole) {
    tell(
      'Not checked: whether ENCRYPTION_KEYS holds every key that something kept needs, since that cannot be read'
    )
  }
  if (found !== undefined && found.faults.length > 0) throw new ConfigError(found.faults)
}

const warn = (warnings: readonly string[]): void => {
  for (const warning of warnings) tell(`Warning: ${warning}`)
}

const readAll = (): Config => {
  try {
    return readConfig(process.env, process.cwd(), true)
  } catch (error) {
    if (error instanceof ConfigError) warn(error.warnings)
    throw error
  }
}

export const checkConfig = async (): Promise<void> => {
  const config = readAll()
  warn(warningsOf(config))
  await checkKeptKeys(config)
  const { stores, policies, delegations, book, providers, bots, channels } = config
  const defined = stores.filter(({ definition }) => definition !== undefined)
  if (defined.length > 0) {
    const names = defined.map(({ name }) => name).join(', ')
    tell(`Not checked: the definitions in other stores, which are read at the start: ${names}`)
  }
  const sizes = [
    count(configured(stores), 'store'),
    count(policies.length, 'policy', 'policies'),
    count(book.names.size, 'name'),
    ...(delegations.length > 0 ? [count(delegations.length, 'delegation')] : []),
    ...(bots.size > 0 ? [count(bots.size, 'bot')] : []),
    ...(providers.size > 0 ? [count(providers.size, 'bot provider')] : []),
    ...(channels.size > 0 ? [count(channels.size, 'channel')] : [])
  ]
  await print(`The configuration is valid: ${sizes.join(', ')}.`)
}
