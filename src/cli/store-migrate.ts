/**
 * `purser store migrate`: everything of one kind of state into the other, so that a service can move between DATA_DIR
 * and Redis. Rule: entries go over as they are, sealed; what stands at the target and differs is left alone unless told
 * otherwise; nothing is taken away at the source, and it can be run again.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readSomeSettings } from '../config/env.ts'
import { STATE_PLACE } from '../config/redis.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer, type Sealer } from '../crypto/sealer.ts'
import { envelopeOf, isEmpty, spanOf } from '../kinds/local/entry.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State, StateEntry } from '../state/state.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'
import { requireFormat, statePlaceOf, withOpened } from './state.ts'

export interface MigrateOptions {
  readonly to: 'redis' | 'embedded'
  readonly dryRun?: true
  readonly overwrite?: true
}

interface Counts {
  total: number
  copied: number
  same: number
  overwritten: number
  differing: number
  unreadable: number
}

/** Losing a race needs a service that writes to the target, which should not be used yet. */
const MAX_ATTEMPTS = 5

const SEALED = Object.values(STATE_SPACES)
  .filter(({ value }) => value === 'sealed')
  .map(({ prefix }) => prefix)

/** What of an entry is sealed, if anything is. */
const sealedIn = ({ key, value }: StateEntry): Buffer | undefined => {
  if (key.startsWith(STATE_SPACES.store.prefix))
    return isEmpty(spanOf(value)) ? undefined : envelopeOf(value)
  return SEALED.some((prefix) => key.startsWith(prefix)) ? value : undefined
}

type Outcome = Exclude<keyof Counts, 'total'>

const copy = async (
  target: State,
  key: string,
  value: Buffer,
  { dryRun, overwrite }: MigrateOptions
): Promise<Outcome> => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const found = await target.get(key)
    if (found?.equals(value)) return 'same'
    if (found !== undefined && !overwrite) return 'differing'
    const outcome = found === undefined ? 'copied' : 'overwritten'
    if (dryRun || (await target.compareAndSet(key, found, value))) return outcome
  }
  throw new CommandFailure(
    'The target is changed by others meanwhile: stop the services that use it.'
  )
}

/** An entry that the encryption keys do not open would be lost at the target, under a name that they sealed. */
const isReadable = (sealer: Sealer, entry: StateEntry): boolean => {
  const sealed = sealedIn(entry)
  return sealed === undefined || sealer.isUnderKnownKey(sealed)
}

/** Nothing is copied with the keys of another environment. */
const checkKeys = async (source: State, sealer: Sealer, unreadable: number): Promise<void> => {
  let sealed = unreadable
  let failing = unreadable
  for await (const entry of source.list('')) {
    if (sealedIn(entry) !== undefined) sealed++
    if (!isReadable(sealer, entry)) failing++
  }
  if (sealed > 0 && failing === sealed) {
    throw new CommandFailure('ENCRYPTION_KEYS opens nothing of what is kept: nothing was copied.')
  }
}

const migrateAll = async (
  source: State,
  target: State,
  sealer: Sealer,
  options: MigrateOptions
): Promise<Counts> => {
  await Promise.all([source, target].map(requireFormat))
  const unreadable = (await source.countUnreadable?.()) ?? 0
  await checkKeys(source, sealer, unreadable)
  const counts = { total: unreadable, copied: 0, same: 0, overwritten: 0, differing: 0, unreadable }
  for await (const entry of source.list('')) {
    counts.total++
    if (!isReadable(sealer, entry)) counts.unreadable++
    else counts[await copy(target, entry.key, entry.value, options)]++
  }
  return counts
}

export const migrate = async (options: MigrateOptions): Promise<void> => {
  const names = [...STATE_PLACE, 'ENCRYPTION_KEYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  if (settings.REDIS_URL === undefined) throw new CommandFailure('REDIS_URL is not set.')
  const redis = statePlaceOf(settings, process.cwd())
  const embedded = { ...redis, redis: undefined }
  const isToRedis = options.to === 'redis'
  // Opening the embedded state would create it, and an empty one has nothing to copy.
  if (isToRedis && !existsSync(join(embedded.dataDir, 'state'))) {
    throw new CommandFailure('There is no embedded state in DATA_DIR.')
  }
  const [from, to] = isToRedis ? [embedded, redis] : [redis, embedded]
  const sealer = createSealer(createKeyring(settings.ENCRYPTION_KEYS))
  const counts = await withOpened(from, ({ state: source }) =>
    withOpened(to, ({ state: target }) => migrateAll(source, target, sealer, options))
  )
  const { total, copied, same, overwritten, differing, unreadable } = counts
  const facts = [
    `${copied} ${options.dryRun ? 'to copy' : 'copied'}`,
    `${same} there already`,
    `${overwritten} ${options.dryRun ? 'to overwrite' : 'overwritten'}`,
    `${differing} differing`,
    ...(unreadable > 0 ? [`${unreadable} unreadable`] : [])
  ]
  await print(`${total} entries: ${facts.join(', ')}`)
  if (unreadable > 0) {
    throw new CommandFailure(
      'What is unreadable was not copied: ENCRYPTION_KEYS lacks the encryption key that it is sealed under, or it is damaged.'
    )
  }
  if (differing > 0) {
    throw new CommandFailure(
      'What differs at the target was left as it is: --overwrite replaces it.'
    )
  }
}
