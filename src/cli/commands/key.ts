/**
 * `purser key` on the command line. Rule: a key never comes in by it, since every user of the machine could read it
 * there.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import validVersion from 'semver/functions/valid.js'
import { isClientName } from '../../core/policy.ts'
import { ENVIRONMENTS, MODES } from '../../core/principal.ts'
import { isScope } from '../../core/scope.ts'
import { isKeyId } from '../../keys/key-id.ts'
import { daysIn } from '../../keys/lifetime.ts'
import { isNetwork, NETWORK_FORM, NETWORKS_MAX } from '../../keys/networks.ts'
import type { IssueOptions } from '../key-issue.ts'
import type { IssueAllOptions } from '../key-issue-all.ts'
import type { RevokeOptions } from '../key-revoke.ts'
import { parseTrust } from './login.ts'

const parseKeyId = (text: string): string => {
  const keyId = text.toLowerCase()
  if (isKeyId(keyId)) return keyId
  throw new InvalidArgumentError('A key id is a UUID.')
}

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
  if (validVersion(text) === text) return text
  throw new InvalidArgumentError(
    'Give the full version of the platform, with three numbers, such as 8.3.0. A single number (1) is the version of an API: no claim of a key says it.'
  )
}

const parseDays = (text: string): number => {
  const days = daysIn(text)
  if (days !== undefined) return days
  throw new InvalidArgumentError('Give a number of days such as 90d.')
}

const addNetwork = (text: string, others: readonly string[] = []): string[] => {
  const network = text.toLowerCase()
  if (!isNetwork(network) || others.length >= NETWORKS_MAX) {
    throw new InvalidArgumentError(
      `Give ${NETWORK_FORM}; for several, up to ${NETWORKS_MAX}, repeat the option.`
    )
  }
  return [...new Set([...others, network])]
}

const addIssueCommand = (key: Command): void => {
  const environment = (flags: string): Option =>
    new Option(flags, 'the environment that the key is for').choices(ENVIRONMENTS)
  key
    .command('issue')
    .description('issue an API key: the key alone on stdout, what it says on stderr')
    .option('-i, --identifier [uuid]', "the key's id; generated if absent", parseKeyId)
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
    .option(
      '--from <network>',
      'an address or network that the key may be used from, such as 10.1.0.0/16; may be repeated',
      addNetwork
    )
    .option('--json', 'the key with its claims as JSON')
    .addOption(
      new Option('--aws', 'the three variables that an AWS SDK takes for the AWS door').conflicts(
        'json'
      )
    )
    .addHelpText(
      'after',
      `
Reads ENCRYPTION_KEYS from the environment or .env and seals with the last of them. Without --expires the key lives
as long as API_KEY_MAX_DAYS allows, or for ever. Use the narrowest scope that will do. With --from the service accepts
the key from there alone: behind a proxy it needs TRUST_PROXY, by which it knows the caller's address.

Example:
  $ purser key issue -s aura-services:secrets -e pre -a aos-app -m r --expires 90d > aos-app.key`
    )
    .action(async (options: IssueOptions) => (await import('../key-issue.ts')).issue(options))
}

const addIssueAllCommand = (key: Command): void => {
  key
    .command('issue-all')
    .description('issue a key to each client of a list, for example after a rotation')
    .argument('<file>', 'the list, as YAML')
    .addOption(
      new Option('--format <format>', 'how the keys are printed')
        .choices(['table', 'json', 'kubernetes'])
        .default('table')
    )
    .option('--output <file>', 'write to a new file of mode 600, not to standard output')
    .addHelpText(
      'after',
      `
The list: clients: [{ client, scopes, mode, environment?, expires?, networks?, identifier?, secretName?,
namespace? }]
Without environment it is ENVIRONMENT; without expires (such as 90d) a key lives as long as API_KEY_MAX_DAYS allows.
If anything in the list is wrong, no key is issued. The format kubernetes is a Secret for each client, ready to be applied,
with AURA_AUTHORIZATION_HEADER in it.

Example:
  $ purser key issue-all clients.yaml --format kubernetes | kubectl apply -f -`
    )
    .action(async (file: string, options: IssueAllOptions) =>
      (await import('../key-issue-all.ts')).issueAll(file, options)
    )
}

const addInspectCommand = (key: Command): void => {
  key
    .command('inspect')
    .description('print what a key says, and whether the service of this folder would refuse it')
    .argument('[file]', 'a file that holds the key; standard input if absent')
    .addHelpText(
      'after',
      `
inForce is true if a service with the settings of this folder would accept the key; refusedFor says why not: time,
environment, version, revocation. Without such settings only the time is checked. Whether the key's networks hold the
address of its user, only the service can tell.

Example:
  $ purser key inspect < aos-app.key`
    )
    .action(async (file: string | undefined) => (await import('../key-inspect.ts')).inspect(file))
}

const addRevokeCommand = (key: Command): void => {
  key
    .command('revoke')
    .description(
      'revoke a key by its id, or those of a trust; running services refuse them at once'
    )
    .argument('[id]', 'key id, as `key inspect` prints it', parseKeyId)
    .option('--issued', 'also all keys that it issued, and that these issued')
    .addOption(
      new Option(
        '--trust <name>',
        'instead: all keys that logins of this trust have given until now'
      )
        .argParser(parseTrust)
        .conflicts('issued')
    )
    .addHelpText(
      'after',
      `
Whoever logs in after --trust gets another key, for as long as trusts: in purser.yaml has it: take it out first, reload, then
revoke.

Example:
  $ purser key revoke 7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11 --issued
  $ purser key revoke --trust prod-cluster`
    )
    .action(async (keyId: string | undefined, options: RevokeOptions, command: Command) => {
      if ((keyId === undefined) === (options.trust === undefined)) {
        command.error('error: give the id of a key, or a trust with --trust')
      }
      await (await import('../key-revoke.ts')).revoke(keyId, options)
    })
}

export const addKeyCommand = (program: Command): void => {
  const key = program.command('key').description('API keys')
  addIssueCommand(key)
  addIssueAllCommand(key)
  addInspectCommand(key)
  addRevokeCommand(key)
}
