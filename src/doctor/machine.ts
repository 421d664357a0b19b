/** What a check may learn of the process and the machine that it runs on; given, so that a test can make up another. */
import type { Environ } from '../config/env.ts'

export interface Space {
  /** What is left for this user, in bytes. */
  readonly freeBytes: number
  /** What is left of files; undefined where the file system has no such bound. */
  readonly freeFiles: number | undefined
}

export interface Machine {
  /** Without the `v`. */
  readonly nodeVersion: string
  /** Arguments of Node itself. */
  readonly nodeArguments: readonly string[]
  /** Variables of the process, which Node and its libraries read. */
  readonly variables: Environ
  /** Whether somebody listens to SIGUSR1, so that Node does not open its inspector. */
  readonly hearsUsr1: boolean
  /** Undefined where there are no users by number. */
  readonly uid: number | undefined
  readonly isContainer: boolean
  /** Whether this user may write the files of the program that runs here. */
  readonly mayChangeProgram: boolean
  /** Asks for `path` at the port, over HTTP; undefined where nobody listens. */
  readonly ask: (
    host: string,
    port: number,
    path: string,
    signal: AbortSignal
  ) => Promise<{ readonly status: number; readonly text: string } | undefined>
  /** A file of the system, such as /proc/swaps; undefined if there is none. */
  readonly text: (path: string) => string | undefined
  readonly space: (folder: string) => Space
  /** Runs git in the folder; undefined where it cannot be run. */
  readonly git: (
    folder: string,
    args: readonly string[],
    signal: AbortSignal
  ) => Promise<{ readonly code: number; readonly stdout: string } | undefined>
}
