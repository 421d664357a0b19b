/** Bots, bot providers, channels and sealed state: what callers ask for beside secrets. */

import { isGuarded } from '../config/env.ts'
import type { Settings } from '../config/settings.ts'
import { type Bots, createBots } from '../integrations/bots.ts'
import { type Channels, createChannels } from '../integrations/channels.ts'
import { createDirectLine, type DirectLine } from '../integrations/direct-line.ts'
import { createObjects, type Objects } from '../integrations/objects.ts'
import type { SealedEnds } from '../integrations/sealed-ends.ts'
import { createSealedState, type SealedState } from '../integrations/sealed-state.ts'
import { createUsedStates } from '../integrations/used-states.ts'
import type { Broker } from '../secrets/broker.ts'
import type { RecorderOptions } from '../secrets/record.ts'
import type { Shared } from '../state/shared.ts'
import type { State } from '../state/state.ts'
import type { Live } from './live.ts'

export interface ObjectsDeps extends RecorderOptions {
  readonly settings: Settings
  readonly broker: Broker
  readonly state: State
  readonly shared: Shared | undefined
  readonly sealedEnds: SealedEnds
  readonly live: () => Live
  /** Undefined: the real one. */
  readonly directLine?: DirectLine | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface ObjectUseCases {
  readonly objects: Objects
  readonly bots: Bots
  readonly channels: Channels
  readonly sealed: SealedState
  /** Reads those of run time anew; what cannot be read is denied until it can be. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

export const createObjectUseCases = (deps: ObjectsDeps): ObjectUseCases => {
  const { settings, broker, state, shared, live, log, now } = deps
  const objects = createObjects({
    ...deps,
    configured: () => live().config,
    sealer: () => live().sealer,
    guarded: isGuarded(settings)
  })
  const { directLine = createDirectLine({ now }) } = deps
  return {
    objects,
    bots: createBots({ ...deps, rules: live, objects }),
    channels: createChannels({
      ...deps,
      rules: live,
      channel: (name) => objects.get('channels', name),
      readSecret: broker.readSecret,
      directLine,
      timeoutMs: settings.UPSTREAM_TIMEOUT_MS
    }),
    sealed: createSealedState({
      ...deps,
      keyring: () => live().keyring,
      used: createUsedStates({ state, shared, now }),
      noteSealed: deps.sealedEnds.note
    }),
    refresh: () =>
      objects.refresh().catch(() => log('error', 'the objects of run time could not be read')),
    close: directLine.close
  }
}
