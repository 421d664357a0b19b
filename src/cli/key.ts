/**
 * `purser key`: issue API keys, and the commands beside it. Rule: a key leaves on stdout once and is kept nowhere; it never
 * comes in by the command line. Issuing needs the encryption keys alone, no service and no `purser.yaml`.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import semver from 'semver'
import { readEnvFile, readEnviron, readSomeSettings } from '../config/env.ts'
import { takenNames } from '../config/names.ts'
import { isClientName } from '../core/policy.ts'
import { ENVIRONMENTS, type Environment, MODES, type Mode } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { toClaims } from '../http/disclosure.ts'
import { issueApiKey } from '../keys/api-key.ts'
import { daysIn } from '../keys/lifetime.ts'
import { usageFailure } from './failure.ts'
import { print, requireOutput, tell } from './io.ts'
import { addInspectCommand } from './key-inspect.ts'
import { addIssueAllCommand } from './key-issue-all.ts'
import { addRevokeCommand, parseKeyId } from './key-revoke.ts'

const parseScopes = (text: string): string[] => {
  const scopes = [...new Set(text.split(',').map((scope) => scope.trim()))]
  if (!scopes.every(isScope) || scopes.length > 32) {
    throw new InvalidArgumentError(
      'Give up to 32 scopes such as aura-services:token, separated by commas.'
    )
  }
  return scopes
}

const parseClient = (text: string): string => {
  if (isClientName(text)) return text
  throw new InvalidArgumentError('A client has up to 64 letters, digits, dots, _ and hyphens.')
}

const parseVersion = (text: string): string => {
  if (semver.valid(text) === text) return text
  throw new InvalidArgumentError(
    'Give the full version of the platform, with three numbers, such as 8.3.0. A single number (1) is the version of an API: no claim of a key says it.'
  )
}

const parseDays = (text: string): number => {
  const days = daysIn(text)
  if (days !== undefined) return days
  throw new InvalidArgumentError('Give a number of days such as 90d.')
}

interface IssueOptions {
  readonly scope: readonly string[]
  readonly environment: Environment
  readonly enviroment?: Environment
  readonly authorised: string
  readonly auraVersion: string
  readonly mode: Mode
  readonly identifier?: string
  readonly expires?: number
  readonly json?: true
}

const lifeOf = (asked: number | undefined, limit: number): number | undefined => {
  if (limit === 0) return asked
  if (asked !== undefined && asked > limit) {
    throw usageFailure(`A key may be issued for ${limit} days at most (API_KEY_MAX_DAYS).`)
  }
  if (asked === undefined) tell(`The key gets the longest life of API_KEY_MAX_DAYS: ${limit} days.`)
  return asked ?? limit
}

const issue = async (options: IssueOptions): Promise<void> => {
  requireOutput()
  const names = ['ENCRYPTION_KEYS', 'API_KEY_MAX_DAYS'] as const
  const folder = process.cwd()
  const settings = readSomeSettings(process.env, folder, names)
  const days = lifeOf(options.expires, settings.API_KEY_MAX_DAYS)
  const request = {
    keyId: options.identifier,
    client: options.authorised,
    scopes: options.scope,
    mode: options.mode,
    environment: options.enviroment ?? options.environment,
    minimumVersion: options.auraVersion,
    ...(days !== undefined && { lifetimeSeconds: days * 86_400 })
  }
  for (const { place, message } of takenNames(readEnvFile(process.env, folder))) {
    tell(`Note: ${place}: ${message}.`)
  }
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const { apiKey, principal } = await issueApiKey(keyring, request, Date.now())
  const claims = toClaims(principal)
  tell(`client       ${claims.client}
key id       ${claims.keyId}
scopes       ${claims.scopes.join(', ')}
mode         ${claims.mode}
environment  ${claims.environment}
platform     ${claims.minimumVersion} or newer
expires      ${claims.expiresAt ?? 'never'}
sealed with  ${principal.kid}
The key is shown this once and kept nowhere.`)
  const isSettled = (readEnviron(process.env, folder)['ENVIRONMENT'] ?? '') !== ''
  if (isSettled && settings.ENVIRONMENT !== claims.environment) {
    tell(`Note: ENVIRONMENT is ${settings.ENVIRONMENT} here, where the key will be refused.`)
  }
  await print(options.json ? JSON.stringify({ apiKey, ...claims }, null, 2) : apiKey)
}

export const addKeyCommand = (program: Command): void => {
  const key = program.command('key').description('API keys')
  const environment = (flags: string): Option =>
    new Option(flags, 'environment that the key is for').choices(ENVIRONMENTS)
  key
    .command('issue')
    .description('issue an API key: the key alone on stdout, what it says on stderr')
    .option('-i, --identifier <uuid>', "the key's id; generated if absent", parseKeyId)
    .addOption(
      new Option('-s, --scope <scopes>', 'what the key may be used for, separated by commas')
        .argParser(parseScopes)
        .default(['aura-services'], 'aura-services')
    )
    .addOption(environment('-e, --environment <environment>').default('pro'))
    // As the generator spells it that this one stands in for.
    .addOption(environment('--enviroment <environment>').hideHelp())
    .option('-a, --authorised <client>', 'whom the key is issued to', parseClient, 'kernel')
    .option('-v, --aura-version <version>', 'lowest platform version', parseVersion, '8.3.0')
    .addOption(new Option('-m, --mode <mode>', 'kind of access').choices(MODES).default('r'))
    .option('--expires <days>', 'how long the key is valid, such as 90d', parseDays)
    .option('--json', 'the key with its claims as JSON')
    .addHelpText(
      'after',
      `
Reads ENCRYPTION_KEYS from the environment or .env and seals with the last of them. Without --expires the key does not
expire, unless API_KEY_MAX_DAYS says how long one may live. Use the narrowest scope that will do.

Example:
  $ purser key issue -s aura-services:secrets -e pre -a aos-app -m r --expires 90d > aos-app.key`
    )
    .action(issue)
  addIssueAllCommand(key)
  addInspectCommand(key)
  addRevokeCommand(key)
}
