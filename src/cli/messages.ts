/**
 * What the supervisor and its workers tell one another. Rule: a worker speaks first, once it hears; no message holds a
 * secret.
 */
import type { WorkerPlace } from '../app/overrides.ts'
import type { ConfigFault } from '../config/fault.ts'
import type { Fixed } from '../config/fixed.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import type { Examination } from '../console/doctor.ts'
import type { Figures, FiguresOfWorkers } from '../telemetry/metrics.ts'
import type { ExitCode } from './stop.ts'

/** The supervisor's. */
export type Order =
  | { readonly do: 'start'; readonly worker: WorkerPlace; readonly fixed: Fixed }
  | { readonly do: 'reload'; readonly id: number; readonly by?: ReloadedBy }
  /** The answer to `ask`. */
  | { readonly do: 'hear'; readonly id: number; readonly faults: readonly ConfigFault[] }
  /** Say what is measured in this process. */
  | { readonly do: 'measure'; readonly id: number }
  /** The answer to `measure`. */
  | { readonly do: 'show'; readonly id: number; readonly figures: FiguresOfWorkers }
  /** Run the checks of `purser doctor`, or say what they have just said: for all workers. */
  | { readonly do: 'examine'; readonly id: number }
  /** The answer to `examine`; without an examination there was none. */
  | { readonly do: 'report'; readonly id: number; readonly examination?: Examination | undefined }
  | { readonly do: 'end'; readonly exitCode: ExitCode }

/** A worker's. */
export type Word =
  | { readonly say: 'there' }
  /** `lines`: what the log is to say of the listeners. */
  | { readonly say: 'serving'; readonly lines: readonly string[]; readonly origin: string }
  | { readonly say: 'reloaded'; readonly id: number; readonly faults: readonly ConfigFault[] }
  | { readonly say: 'measured'; readonly id: number; readonly figures: Figures }
  /** The answer to the order `examine`. */
  | {
      readonly say: 'examined'
      readonly id: number
      readonly examination?: Examination | undefined
    }
  /** What do the checks of `purser doctor` say? */
  | { readonly say: 'examine'; readonly id: number }
  /** What is measured in the others? */
  | { readonly say: 'measure'; readonly id: number }
  /** The others are to reload too. */
  | { readonly say: 'ask'; readonly id: number; readonly by: ReloadedBy }
