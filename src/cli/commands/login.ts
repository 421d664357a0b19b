/** `purser login` on the command line. Rule: a token never comes in by it. */
import { type Command, InvalidArgumentError } from 'commander'
import type { LoginOptions } from '../login.ts'

export const parseTrust = (text: string): string => {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return text
  throw new InvalidArgumentError('Give the name of a member of trusts: in purser.yaml.')
}

export const addLoginCommand = (program: Command): void => {
  program
    .command('login')
    .description("exchange a workload's own token for a short-lived API key")
    .requiredOption('--token-file <path>', 'the file that holds the token, such as a projected one')
    .option('--trust <name>', 'whose token it is; found by the token if absent', parseTrust)
    .option('--out <file>', 'write the key to this file, of mode 600, instead of to stdout')
    .option(
      '--credential-process',
      'print credentials for the AWS door, as an SDK of AWS takes them from a program'
    )
    .addHelpText(
      'after',
      `
Asks the service at PURSER_URL, whose certificate has to be of a public authority or of the one in PURSER_CA_FILE. To one
that asks for a certificate it shows PURSER_CLIENT_CERT_FILE, by PURSER_CLIENT_KEY_FILE. Reads no .env: that of this folder
belongs to the program that runs here. The key ends with its token at the latest.

Examples:
  $ PURSER_URL=https://purser.example.com purser login --trust prod-cluster --token-file /var/run/secrets/purser/token
  in ~/.aws/config, where the program has PURSER_URL:
  credential_process = purser login --credential-process --trust prod-cluster --token-file /var/run/secrets/purser/token`
    )
    .action(async (options: LoginOptions) => (await import('../login.ts')).login(options))
}
