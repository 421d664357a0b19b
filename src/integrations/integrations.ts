/** Bots, bot providers, channels and sealed state: what callers ask for beside secrets. */
import type { RecorderOptions } from '../audit/recorder.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Mark } from '../kinds/shared/proxy.ts'
import type { Broker } from '../secrets/broker.ts'
import type { Rules } from '../secrets/terms.ts'
import type { Shared } from '../state/shared.ts'
import type { State } from '../state/state.ts'
import { type Bots, createBots } from './bots.ts'
import { type Channels, createChannels } from './channels.ts'
import { createDirectLine, type DirectLine } from './direct-line.ts'
import { createResources, type Resources, type ResourcesOptions } from './resources.ts'
import type { SealedEnds } from './sealed-ends.ts'
import { createSealedState, type SealedState } from './sealed-state.ts'
import { createUsedStates } from './used-states.ts'

export interface IntegrationsOptions
  extends RecorderOptions,
    Pick<ResourcesOptions, 'configured' | 'guarded'> {
  readonly broker: Broker
  readonly state: State
  readonly shared: Shared | undefined
  readonly sealedEnds: SealedEnds
  readonly rules: () => Rules
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  /** Of what is asked of Direct Line for one token. */
  readonly timeoutMs: number
  /** Undefined: the real one. */
  readonly directLine?: DirectLine | undefined
  /** Shown each request to the real one. */
  readonly mark?: Mark | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Integrations {
  readonly resources: Resources
  readonly bots: Bots
  readonly channels: Channels
  readonly sealed: SealedState
  /** Reads those of run time anew; what cannot be read is denied until it can be. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

export const createIntegrations = (options: IntegrationsOptions): Integrations => {
  const { broker, state, shared, log, now, mark } = options
  const resources = createResources(options)
  const { directLine = createDirectLine({ now, mark }) } = options
  return {
    resources,
    bots: createBots({ ...options, resources }),
    channels: createChannels({
      ...options,
      channel: (name) => resources.get('channels', name),
      readSecret: broker.readSecret,
      directLine
    }),
    sealed: createSealedState({
      ...options,
      used: createUsedStates({ state, shared, now }),
      noteSealed: options.sealedEnds.note
    }),
    refresh: () =>
      resources.refresh().catch(() => log('error', 'the objects of run time could not be read')),
    close: directLine.close
  }
}
