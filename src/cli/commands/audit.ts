/** `purser audit` on the command line. */
import { type Command, InvalidArgumentError } from 'commander'
import { type Anchor, parseAnchor } from '../../audit/chain-line.ts'
import type { NewKeyOptions } from '../audit-key.ts'
import type { VerifyCommandOptions } from '../audit-verify.ts'

const parseHead = (text: string, former: readonly Anchor[] = []): Anchor[] => {
  const anchor = parseAnchor(text)
  if (anchor !== undefined) return [...former, anchor]
  throw new InvalidArgumentError('An anchor is <instance>:<seq>:<head>, as the log says it.')
}

const DAY_MS = 86_400_000

/** A day as files are named by it. */
const parseSince = (text: string): string => {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? []
  const time = days === undefined ? Date.parse(text) : Date.now() - Number(days) * DAY_MS
  const isDay = days !== undefined || /^\d{4}-\d\d-\d\d$/.test(text)
  if (isDay && !Number.isNaN(time)) return new Date(time).toISOString().slice(0, 10)
  throw new InvalidArgumentError('Give a day such as 2026-03-01, or a number of days such as 7d.')
}

const addVerifyCommand = (audit: Command): void => {
  audit
    .command('verify')
    .description('check that the trail is what was written, and say where it is not')
    .argument('[folder]', "a copy of the trail's folder, to be checked without settings")
    .option('--since <day>', 'only this day and later ones: 2026-03-01, or 7d', parseSince)
    .option('--head <anchor>', 'a line of the log that must be in the trail; repeatable', parseHead)
    .option('--auditor-key <file>', 'the private key of `purser audit key new`')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Computes every digest and MAC anew and compares them with the anchors in the state. Verdicts: tampered, line missing,
reordered, truncated, segment missing, anchor mismatch, other key; what a kill leaves is unfinished, and no fault.
Runs beside a service. Exit codes: 0 right, 1 broken, 2 cannot tell (a key is missing) or wrong usage.

Examples:
  $ purser audit verify --since 7d
  $ purser audit verify /mnt/copy/audit --auditor-key auditor.key --head k3J_0aQx1bc:1042:…`
    )
    .action(async (folder: string | undefined, options: VerifyCommandOptions) =>
      (await import('../audit-verify.ts')).verify(folder, options)
    )
}

const addKeyCommand = (audit: Command): void => {
  audit
    .command('key')
    .description("the auditor's pair of keys")
    .command('new')
    .description('make a pair: the private key into a new file, the public one on standard output')
    .requiredOption('--out <file>', 'where the private key goes, mode 600; nothing is overwritten')
    .addHelpText(
      'after',
      `
Keep the private key where Purser is not: it is needed for \`purser audit verify --auditor-key\` alone. The public key goes
into the file that AUDIT_AUDITOR_KEY_FILE names.

Example:
  $ purser audit key new --out auditor.key > auditor.pem`
    )
    .action(async (options: NewKeyOptions) => (await import('../audit-key.ts')).newKey(options))
}

export const addAuditCommand = (program: Command): void => {
  const audit = program.command('audit').description('the audit trail')
  addVerifyCommand(audit)
  addKeyCommand(audit)
}
