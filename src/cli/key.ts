/**
 * `purser key`: issue, inspect and revoke API keys. Rule: a key leaves on stdout once and is kept nowhere; it never comes
 * in by the command line. Issuing and inspecting need the encryption keys alone, no service and no `purser.yaml`.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import semver from 'semver'
import { daysIn } from '../config/consumers.ts'
import { readEnviron, readSomeSettings } from '../config/env.ts'
import { isClientName } from '../core/policy.ts'
import { ENVIRONMENTS, type Environment, MODES, type Mode } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { toClaims } from '../http/disclosure.ts'
import { isInForce, isKeyId, issueApiKey, openApiKey } from '../keys/api-key.ts'
import { putRevocation } from '../keys/revocations.ts'
import { announceRevocation } from '../keys/shared-revocations.ts'
import { Failure, usageFailure } from './failure.ts'
import { readInput, tell } from './io.ts'
import { addIssueAllCommand } from './key-issue-all.ts'
import { announce, withState } from './state.ts'

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
  throw new InvalidArgumentError('Give a semantic version such as 8.3.0.')
}

const parseKeyId = (text: string): string => {
  const keyId = text.toLowerCase()
  if (isKeyId(keyId)) return keyId
  throw new InvalidArgumentError('A key id is a UUID.')
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
  console.log(options.json ? JSON.stringify({ apiKey, ...claims }, null, 2) : apiKey)
}

/** A key is long and begins with its environment; the rest of the text is nobody's file name. */
const looksLikeKey = (text: string): boolean => /purser_(dev|stg|pre|pro)_|eyJ/.test(text)

const inspect = async (file: string | undefined): Promise<void> => {
  if (file !== undefined && looksLikeKey(file)) {
    throw usageFailure(
      'A key on the command line can be read by every user of this machine and stays in the history of the shell: pipe it in.'
    )
  }
  const { ENCRYPTION_KEYS } = readSomeSettings(process.env, process.cwd(), ['ENCRYPTION_KEYS'])
  const apiKey = (await readInput('the key', file)).trim()
  const principal = await openApiKey(createKeyring(ENCRYPTION_KEYS), apiKey)
  if (principal === undefined) {
    throw new Failure('The key cannot be opened: damaged, or issued under another encryption key.')
  }
  const now = Date.now()
  const { expiresAt = Number.POSITIVE_INFINITY, kid } = principal
  const validity = { inForce: isInForce(principal, now), expired: expiresAt * 1000 <= now }
  console.log(JSON.stringify({ ...toClaims(principal), kid, ...validity }, null, 2))
}

const revoke = async (keyId: string): Promise<void> => {
  const folder = process.cwd()
  const place = readSomeSettings(process.env, folder, ['DATA_DIR', 'REDIS_URL', 'REDIS_KEY_PREFIX'])
  // A state of its own, created in a wrong folder, would take the revocation and nobody would read it there.
  if (place.REDIS_URL === undefined && !existsSync(join(resolve(place.DATA_DIR), 'state'))) {
    throw new Failure('There is no service in DATA_DIR: run this where the service runs.')
  }
  // Key ids are no secret, and stand there as they are.
  const settings = { ...place, ENCRYPTION_KEYS: [] }
  const isNew = await withState(settings, async (opened) => {
    const isNew = await putRevocation(opened.state, keyId, Date.now())
    await announce(opened, (shared) => announceRevocation(shared, keyId))
    return isNew
  })
  console.log(isNew ? `${keyId} is revoked` : `${keyId} was revoked before`)
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
  key
    .command('inspect')
    .description('print what a key says, read from a file or standard input')
    .argument('[file]', 'a file that holds the key')
    .addHelpText('after', '\nExample:\n  $ purser key inspect < aos-app.key')
    .action(inspect)
  key
    .command('revoke')
    .description(
      'refuse a key from now on, by its id; in force at once, also while the service runs'
    )
    .argument('<id>', 'key id, as `key inspect` prints it', parseKeyId)
    .addHelpText('after', '\nExample:\n  $ purser key revoke 7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11')
    .action(revoke)
}
