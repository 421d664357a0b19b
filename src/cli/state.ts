/**
 * The state for the length of one command, beside services that may be running on it. Rule: the same state as the
 * services', by the same settings; where it cannot be reached the command fails with a sentence.
 */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readRedis, type STATE_PLACE } from '../config/redis.ts'
import type { Settings } from '../config/settings.ts'
import { createKeyring, type Keyring } from '../crypto/keyring.ts'
import { LaterFormat, requireKnownFormat } from '../state/format.ts'
import { type OpenedState, openState, type StatePlace } from '../state/open-state.ts'
import type { Shared } from '../state/shared.ts'
import type { State } from '../state/state.ts'
import { CommandFailure } from './failure.ts'
import { tell } from './io.ts'

export type StateSettings = Pick<Settings, (typeof STATE_PLACE)[number] | 'ENCRYPTION_KEYS'>

/** Long enough for a connection that is possible at all. */
const CONNECT_WITHIN_MS = 3_000
/** A service's deadline is short; a command on a busy machine tries again. */
const TRIES = 5
const AGAIN_MS = 200

/** Where the settings put the state; paths are relative to the folder. */
export const statePlaceOf = (settings: StateSettings, folder: string): StatePlace => {
  const { DATA_DIR, ENCRYPTION_KEYS } = settings
  let keyring: Keyring | undefined
  return {
    dataDir: resolve(folder, DATA_DIR),
    redis: readRedis(settings, folder),
    keyring: () => {
      keyring ??= createKeyring(ENCRYPTION_KEYS)
      return keyring
    },
    // A command reports in its own words what it cannot do.
    log: () => {}
  }
}

/** Resolves once messages can be sent; false if that is not soon. */
const isConnected = (shared: Shared): Promise<boolean> =>
  new Promise((done) => {
    const timer = setTimeout(() => done(false), CONNECT_WITHIN_MS)
    shared.onReconnect(() => {
      clearTimeout(timer)
      done(true)
    })
    shared.start()
  })

/** The state's own errors, which say what is wrong, become failures of the command. */
export const withOpened = async <T>(
  place: StatePlace,
  work: (opened: OpenedState) => Promise<T>
): Promise<T> => {
  let opened: OpenedState | undefined
  try {
    opened = await openState(place)
    return await work(opened)
  } catch (error) {
    const isOfState = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype
    throw isOfState ? new CommandFailure(`${error.message}.`) : error
  } finally {
    await opened?.close()
  }
}

/** For whoever can do without the state, but says nothing wrong of one that it does not understand. */
export class LaterState extends CommandFailure {}

/** What a later version has taken over is no command's to change, and none knows what it says. */
export const requireFormat = (state: State): Promise<void> =>
  requireKnownFormat(state).catch((error: unknown) => {
    throw error instanceof LaterFormat
      ? new LaterState(`${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`)
      : error
  })

export const withState = <T>(
  settings: StateSettings,
  work: (opened: OpenedState) => Promise<T>
): Promise<T> =>
  withOpened(statePlaceOf(settings, process.cwd()), async (opened) => {
    await requireFormat(opened.state)
    return await work(opened)
  })

/** Says something to the services that share the state. Not being heard is no failure: they find out by themselves. */
export const announceToServices = async (
  { shared }: Pick<OpenedState, 'shared'>,
  say: (shared: Shared) => Promise<void>
): Promise<void> => {
  if (shared === undefined) return
  let isTold = false
  if (await isConnected(shared)) {
    for (let n = 0; n < TRIES && !isTold; n++) {
      if (n > 0) await sleep(AGAIN_MS)
      isTold = await say(shared).then(
        () => true,
        () => false
      )
    }
  }
  if (!isTold) tell('Note: running services could not be told, and find out by themselves.')
}
