/**
 * The credentials of bots and their providers. Rule: the decision on the bot comes first and is the decision on what
 * its configuration refers to; every reference goes the one way to a secret; and nobody gets half a configuration
 * unasked.
 */
import { createRecorder, type Recorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { denied, ProblemError, type ProblemPointer } from '../core/problem.ts'
import { isPlainKey } from '../core/resource-fault.ts'
import type { Sensitive } from '../core/secret.ts'
import type { Broker, Disclosure } from '../secrets/broker.ts'
import type { Grant, Rules } from '../secrets/terms.ts'
import type { Configuration, Credentials } from './bot-form.ts'
import type { ResourceCatalog } from './resources.ts'

/** By key, in the order of the configuration. Problems only where a partial answer was asked for. */
export type Resolved = ReadonlyMap<string, Sensitive<unknown> | ProblemError>

export interface ResolvedConfiguration {
  readonly configuration: Configuration
  readonly resolved: Resolved
}

export interface BotsOptions extends RecorderOptions {
  readonly broker: Pick<Broker, 'readSecrets'>
  readonly rules: () => Pick<Rules, 'policy'>
  readonly resources: ResourceCatalog
}

export interface CredentialOptions {
  /** A result for each key instead of a failure of all of them. */
  readonly partial: boolean
  /** Awaited after the decision, before so many secrets are read. */
  readonly begin: (reads: number) => Promise<void>
}

/** All reject with a ProblemError. */
export interface Bots {
  /** Those that the caller may use. */
  readonly listBots: (caller: Caller) => Promise<readonly Configuration[]>
  readonly readBotCredentials: (
    caller: Caller,
    name: string,
    how: CredentialOptions
  ) => Promise<ResolvedConfiguration & { readonly provider?: ResolvedConfiguration }>
  /** For whoever may use a bot of the provider. */
  readonly readProviderCredentials: (
    caller: Caller,
    name: string,
    how: CredentialOptions
  ) => Promise<ResolvedConfiguration>
  /** The caller's own bot or provider: the caller needs the right on every reference in it. */
  readonly resolveConfiguration: (
    caller: Caller,
    credentials: Credentials,
    how: CredentialOptions
  ) => Promise<Resolved>
}

/** One text, as a credential is one. */
const textOf = (read: Disclosure | ProblemError): Sensitive<string> | ProblemError => {
  if (read instanceof ProblemError) return read
  const { selection } = read.view
  return 'value' in selection ? selection.value : new ProblemError('field_required')
}

/** The problem of the first key that failed, naming all that did; undefined if none did. */
const combinedProblem = (
  parts: readonly (readonly [at: string, Resolved])[]
): ProblemError | undefined => {
  let first: ProblemError | undefined
  const errors: ProblemPointer[] = []
  for (const [at, resolved] of parts) {
    for (const [key, result] of resolved) {
      if (!(result instanceof ProblemError)) continue
      first ??= result
      errors.push({ pointer: isPlainKey(key) ? `${at}/${key}` : at, rule: result.code })
    }
  }
  return first && new ProblemError(first.code, { retryAfter: first.details.retryAfter, errors })
}

type Part = readonly [at: string, credentials: Credentials]

/** The credentials of each part, read together with those of the others. Rejects with a ProblemError. */
const resolve = async (
  { broker }: BotsOptions,
  caller: Caller,
  parts: readonly Part[],
  { partial, begin }: CredentialOptions,
  grant?: Grant
): Promise<readonly Resolved[]> => {
  const wanted = parts
    .flatMap(([, credentials]) => [...credentials.values()])
    .flatMap((credential) => ('ref' in credential ? [{ text: credential.ref }] : []))
  await begin(wanted.length)
  const read = (await broker.readSecrets(caller, wanted, { grant })).values()
  const next = (): Disclosure | ProblemError =>
    read.next().value ?? new ProblemError('internal_error')
  const resolved = parts.map(
    ([at, credentials]) =>
      [
        at,
        new Map(
          [...credentials].map(([key, credential]) => [
            key,
            'plain' in credential ? credential.plain : textOf(next())
          ])
        )
      ] as const
  )
  const failure = partial ? undefined : combinedProblem(resolved)
  if (failure !== undefined) throw failure
  return resolved.map(([, one]) => one)
}

const providerOf = (
  { resources, log }: BotsOptions,
  { name, provider }: Configuration
): Configuration | undefined => {
  if (provider === undefined) return undefined
  const found = resources.get('providers', provider)
  // Another replica, or a reload, may have removed the provider of a bot that was made at run time.
  if (found === undefined) {
    log('warn', 'a bot names a provider that is not there', { bot: name, provider })
    throw new ProblemError('store_misconfigured', {}, 'unknown_provider')
  }
  return found
}

const onRecord = async <T>(
  recorder: Recorder,
  caller: Caller,
  object: string,
  work: () => Promise<T> | T
): Promise<T> => {
  let result: T
  try {
    if (!caller.mode.includes('r')) throw new ProblemError('insufficient_mode')
    result = await work()
  } catch (error) {
    throw await recorder.failed(caller, 'bot.read', undefined, error, { object })
  }
  await recorder.allowed(caller, 'bot.read', undefined, { object })
  return result
}

export const createBots = (options: BotsOptions): Bots => {
  const { rules, resources } = options
  const recorder = createRecorder(options)
  const mayUse = ({ client }: Caller, bot: string): boolean =>
    rules().policy.mayUse(client, 'bots', bot)

  return {
    listBots: async (caller) => {
      const bots = resources.all('bots').filter(({ name }) => mayUse(caller, name))
      await recorder.allowed(caller, 'bot.list', undefined)
      return bots
    },

    readBotCredentials: (caller, name, how) =>
      onRecord(recorder, caller, `bot ${name}`, async () => {
        if (!mayUse(caller, name)) throw denied('no_rule')
        const bot = resources.get('bots', name)
        if (bot === undefined) throw denied('unknown_bot')
        const provider = providerOf(options, bot)
        const parts: readonly Part[] = [
          ['/credentials', bot.credentials],
          ['/provider/credentials', provider?.credentials ?? new Map()]
        ]
        const grant = { by: `bot ${name}` }
        const [own = new Map(), shared = new Map()] = await resolve(
          options,
          caller,
          parts,
          how,
          grant
        )
        return {
          configuration: bot,
          resolved: own,
          ...(provider && { provider: { configuration: provider, resolved: shared } })
        }
      }),

    readProviderCredentials: (caller, name, how) =>
      onRecord(recorder, caller, `provider ${name}`, async () => {
        const bot = resources
          .all('bots')
          .find((one) => one.provider === name && mayUse(caller, one.name))
        if (bot === undefined) throw denied('no_bot_of_it')
        const configuration = resources.get('providers', name)
        if (configuration === undefined) throw denied('unknown_provider')
        const parts: readonly Part[] = [['/credentials', configuration.credentials]]
        const grant = { by: `bot ${bot.name}` }
        const [resolved = new Map()] = await resolve(options, caller, parts, how, grant)
        return { configuration, resolved }
      }),

    resolveConfiguration: async (caller, credentials, how) => {
      const parts: readonly Part[] = [['/credentials', credentials]]
      const [resolved = new Map()] = await resolve(options, caller, parts, how)
      return resolved
    }
  }
}
