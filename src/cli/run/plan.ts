/**
 * What `purser run` is asked to do, from the words of its command line. Rule: what cannot be meant is refused before
 * anything is read, and nothing here is a secret.
 */
import { resolve } from 'node:path'
import { usageFailure } from '../failure.ts'
import { isVariable, isVariablePrefix } from './names.ts'

/** Of what `--watch` may send. */
export const WATCH_SIGNALS = ['HUP', 'USR1', 'USR2', 'INT', 'TERM', 'QUIT', 'WINCH'] as const

export type Watch =
  | { readonly by: 'restart' }
  | { readonly by: 'signal'; readonly signal: NodeJS.Signals }

/** As commander hands them over. */
export interface RunOptions {
  readonly env?: readonly string[]
  readonly file?: readonly string[]
  readonly allBelow?: readonly string[]
  readonly as?: 'files' | 'env'
  readonly into?: string
  readonly envPrefix?: string
  readonly watch?: string
  readonly redact?: true
  readonly trust?: string
  readonly tokenFile?: string
  readonly allowDisk?: true
  readonly keepPurser?: true
  readonly grace: number
  readonly jitter: number
  readonly checkEvery: number
  readonly wait: number
  readonly envFile?: string
}

/** One secret, and where it goes. */
export type Single =
  | { readonly ref: string; readonly variable: string }
  | { readonly ref: string; readonly path: string }

/** All that may be read below a prefix, and where that goes; without a folder, to one that is made for it. */
export type Group =
  | { readonly prefix: string; readonly as: 'files'; readonly folder?: string }
  | { readonly prefix: string; readonly as: 'env'; readonly variablePrefix: string }

export interface Plan {
  readonly singles: readonly Single[]
  readonly groups: readonly Group[]
  readonly watch: Watch | undefined
  readonly command: readonly [string, ...string[]]
}

const halves = (option: string, text: string): readonly [string, string] => {
  const at = text.indexOf('=')
  const [before, after] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)]
  if (before === '' || after === '')
    throw usageFailure(`${option} has the form <name>=<reference>.`)
  return [before, after]
}

const singlesIn = ({ env = [], file = [] }: RunOptions, folder: string): Single[] => {
  const variables = env.map((text) => {
    const [variable, ref] = halves('--env', text)
    if (!isVariable(variable)) {
      throw usageFailure('The name of a variable has letters, digits and underscores.')
    }
    return { variable, ref }
  })
  const files = file.map((text) => {
    const [path, ref] = halves('--file', text)
    if (path.endsWith('/')) throw usageFailure('--file names a file, not a folder.')
    return { path: resolve(folder, path), ref }
  })
  return [...variables, ...files]
}

const requireOnce = (what: string, names: readonly string[]): void => {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw usageFailure(`${what} ${twice} is given twice.`)
}

const groupsIn = (options: RunOptions, folder: string): Group[] => {
  const { allBelow = [], as, into, envPrefix } = options
  if (allBelow.length === 0) {
    if (as !== undefined || into !== undefined || envPrefix !== undefined) {
      throw usageFailure('--as, --into and --env-prefix belong to --all-below.')
    }
    return []
  }
  if (as === undefined) throw usageFailure('--all-below needs --as files or --as env.')
  if (as === 'files' ? envPrefix !== undefined : into !== undefined) {
    throw usageFailure('--into goes with --as files, --env-prefix with --as env.')
  }
  requireOnce('The prefix', allBelow)
  return allBelow.map((prefix) => {
    if (!/[:/]$/.test(prefix)) {
      throw usageFailure(
        '--all-below takes <store>:<path>/, with the slash at its end, or <store>:'
      )
    }
    if (as === 'files') {
      return { prefix, as, ...(into !== undefined && { folder: resolve(folder, into) }) }
    }
    if (envPrefix === undefined || !isVariablePrefix(envPrefix)) {
      throw usageFailure(
        '--as env needs --env-prefix, in capital letters such as APP_: who can name a secret must not be able to name any variable.'
      )
    }
    return { prefix, as, variablePrefix: envPrefix }
  })
}

const watchIn = (text: string | undefined, plan: Omit<Plan, 'watch'>): Watch | undefined => {
  if (text === undefined) return undefined
  if (text === 'restart') return { by: 'restart' }
  const name = WATCH_SIGNALS.find((one) => text === `signal:${one}` || text === `signal:SIG${one}`)
  if (name === undefined) {
    throw usageFailure(`--watch takes restart, or signal: with one of ${WATCH_SIGNALS.join(', ')}.`)
  }
  const hasFiles =
    plan.singles.some((one) => 'path' in one) || plan.groups.some(({ as }) => as === 'files')
  if (!hasFiles) {
    throw usageFailure(
      'The environment of a running program cannot change: --watch signal needs --file or --as files.'
    )
  }
  return { by: 'signal', signal: `SIG${name}` }
}

/** `folder` is where relative paths begin. Throws a failure of usage. */
export const planOf = (
  options: RunOptions,
  [program, ...args]: readonly string[],
  folder: string
): Plan => {
  if (options.envFile !== undefined) {
    throw usageFailure("run reads no file of settings: ./.env is the program's own.")
  }
  if (program === undefined || program === '') {
    throw usageFailure('The program and its arguments stand after --.')
  }
  if (options.trust !== undefined && options.tokenFile === undefined) {
    throw usageFailure('--trust needs --token-file.')
  }
  const singles = singlesIn(options, folder)
  const groups = groupsIn(options, folder)
  if (singles.length === 0 && groups.length === 0) {
    throw usageFailure('Say which secrets the program gets: --env, --file or --all-below.')
  }
  requireOnce(
    'The variable',
    singles.flatMap((one) => ('variable' in one ? one.variable : []))
  )
  requireOnce(
    'The file',
    singles.flatMap((one) => ('path' in one ? one.path : []))
  )
  const command = [program, ...args] as const
  return { singles, groups, command, watch: watchIn(options.watch, { singles, groups, command }) }
}
