/** What a service is given besides its configuration: by the process that it runs in, and by tests. */
import type { Logger } from 'pino'
import type { RecorderOptions } from '../audit/recorder.ts'
import type { TrailOptions } from '../audit/trail.ts'
import type { Environ } from '../config/env.ts'
import type { ConfigFault } from '../config/fault.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import type { Examine } from '../console/doctor.ts'
import type { DirectLine } from '../integrations/direct-line.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import type { FiguresOfWorkers } from '../telemetry/metrics.ts'

/** Which of the processes of one service this is. */
export interface WorkerPlace {
  /** From 1 to `of`; a process that replaces another one has its number. */
  readonly number: number
  readonly of: number
}

export interface AppOverrides {
  /** Absent: the only process. */
  readonly worker?: WorkerPlace | undefined
  readonly logger?: Logger
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Where credentials of stores given as `{ env: NAME }` are looked up. */
  readonly environ?: Environ
  /**
   * Reads the configuration anew and reloads. Resolves with the faults of the configuration: if there are any, nothing
   * changed.
   */
  readonly requestReload?: (by: ReloadedBy) => Promise<readonly ConfigFault[]>
  /** What is measured in the other processes of one service. */
  readonly figuresOfOthers?: () => Promise<FiguresOfWorkers>
  /** Runs the checks of `purser doctor`; absent: the console has none. */
  readonly doctor?: Examine
  /** Fetches what SNS and Google publish. */
  readonly fetch?: typeof fetch
  /** What gives tokens of channels. */
  readonly directLine?: DirectLine
  readonly heartbeatMs?: number
  /** How often files with certificates are looked at. */
  readonly certificatesEveryMs?: number
  /** Sign whoever has one of them in at the console, in dev. */
  readonly signInCodes?: SignInCodes | undefined
  /** Sees the outcome of each request, for measuring. */
  readonly observe?: RecorderOptions['observe']
  /** In place of the trail's chain, for measuring. */
  readonly beginChain?: TrailOptions['beginChain']
  /** Refuse to start where something kept needs an encryption key that ENCRYPTION_KEYS lacks, instead of saying so. */
  readonly refusesToLackKeys?: boolean
}
