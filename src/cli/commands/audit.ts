/** `purser audit` on the command line. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Anchor, parseAnchor } from '../../audit/chain-line.ts'
import type { NewKeyOptions } from '../audit-key.ts'
import type { PurgeCommandOptions } from '../audit-purge.ts'
import type { SearchOptions } from '../audit-search.ts'
import type { ExportOptions, TailOptions } from '../audit-tail.ts'
import type { VerifyCommandOptions } from '../audit-verify.ts'
import { parseTime } from './times.ts'

const parseHead = (text: string, former: readonly Anchor[] = []): Anchor[] => {
  const anchor = parseAnchor(text)
  if (anchor !== undefined) return [...former, anchor]
  throw new InvalidArgumentError('An anchor is <instance>:<seq>:<head>, as the log says it.')
}

/** A day as files are named by it. */
const parseDay = (text: string): string => parseTime(text).slice(0, 10)

const addVerifyCommand = (audit: Command): void => {
  audit
    .command('verify')
    .description('check that the trail is what was written, and say where it is not')
    .argument('[folder]', "a copy of the trail's folder, or a file of it, to be checked by itself")
    .option('--since <day>', 'only this day and later ones: 2026-03-01, or 7d', parseDay)
    .option('--head <anchor>', 'a line of the log that must be in the trail; repeatable', parseHead)
    .option('--auditor-key <file>', 'the private key of `purser audit key new`')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Computes every digest and MAC anew and compares them with the anchors in the state. Verdicts: tampered, line missing,
reordered, truncated, segment missing, anchor mismatch, other key; what a kill leaves is unfinished, and no fault.
Of a copy no state is asked; ENCRYPTION_KEYS are used where they are set, and --head says anchors.
Runs beside a service. Exit codes: 0 right, 1 broken, 2 cannot tell (a key is missing) or wrong usage.

Examples:
  $ purser audit verify --since 7d
  $ purser audit verify /mnt/copy/audit --auditor-key auditor.key --head k3J_0aQx1bc:1042:…`
    )
    .action(async (folder: string | undefined, options: VerifyCommandOptions) =>
      (await import('../audit-verify.ts')).verify(folder, options)
    )
}

const addTailCommand = (audit: Command): void => {
  audit
    .command('tail')
    .description('follow the trail, across days and processes')
    .option('--since <time>', 'also what is there since: 30m, 12h, 2026-03-01', parseTime)
    .option('--json', 'the lines as they stand')
    .addHelpText(
      'after',
      `
Records of one process come in their order; those of several as they are found. Ends with Ctrl-C.

Example:
  $ purser audit tail --since 1h --json | jq -r 'select(.outcome == "denied") | .client'`
    )
    .action(async (options: TailOptions) => (await import('../audit-tail.ts')).tail(options))
}

const addExportCommand = (audit: Command): void => {
  audit
    .command('export')
    .description('the trail on standard output, one JSON object a line, as other systems read it')
    .addOption(
      new Option('--format <format>', 'OCSF 1.5, ECS 8.17, or the lines as they stand')
        .choices(['ocsf', 'ecs', 'jsonl'])
        .makeOptionMandatory()
    )
    .option('--since <day>', 'the first day: 2026-03-01, or 7d', parseDay)
    .option('--until <day>', 'the last day', parseDay)
    .addHelpText(
      'after',
      `
jsonl has the lines of the chain too, and can be verified where it is put; ocsf and ecs have records alone.

Example:
  $ purser audit export --format ocsf --since 1d > purser.ndjson`
    )
    .action(async (options: ExportOptions) =>
      (await import('../audit-tail.ts')).exportTrail(options)
    )
}

/** The last moment of a day. */
const parseEnd = (text: string): string =>
  text.length === 'YYYY-MM-DD'.length ? parseTime(`${text}T23:59:59.999Z`) : parseTime(text)

const parseCount = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number from 1.')
}

const addSearchCommand = (audit: Command): void => {
  audit
    .command('search')
    .description(
      'who did what, and when, newest first; of all replicas where AUDIT_SINKS has redis'
    )
    .option('--reference <reference>', 'as records have it; any version or field if without them')
    .option('--pattern <pattern>', 'as in `policies:`, such as aws:acme/**')
    .option('--client <client>', 'who asked')
    .option('--key-id <id>', 'with which key')
    .option('--action <action>', 'such as secret.read')
    .addOption(
      new Option('--outcome <outcome>', 'what became of it').choices([
        'allowed',
        'denied',
        'failed'
      ])
    )
    .option('--since <time>', 'not before: 2026-03-01, 2026-03-01T08:00Z, 12h, 7d', parseTime)
    .option('--until <time>', 'not after; a day to its end', parseEnd)
    .option('--limit <count>', 'so many records at most', parseCount)
    .option('--json', 'a JSON object a line')
    .addHelpText(
      'after',
      `
All options that are given must hold. What is missing from the answer is said on standard error.

Example:
  $ purser audit search --reference aws:acme/db --action secret.read --since 2026-03-01 --until 2026-03-01`
    )
    .action(async (options: SearchOptions) => (await import('../audit-search.ts')).search(options))
}

const addPurgeCommand = (audit: Command): void => {
  audit
    .command('purge')
    .description('delete what is over its time, as the service does by itself')
    .option('--dry-run', 'only say what would go')
    .addHelpText(
      'after',
      `
Of the trail whole days go that are older than AUDIT_RETENTION_DAYS; what is kept of them (numbers and digests) lets the rest
be verified. Of what else is kept, uses of keys go after 400 days, and what is left of issued keys and sealed states once those
have ended. A record says what went. Refused where a file is not what was written, or the clock was set.

Example:
  $ purser audit purge --dry-run`
    )
    .action(async (options: PurgeCommandOptions) =>
      (await import('../audit-purge.ts')).purgeOld(options)
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
  addTailCommand(audit)
  addExportCommand(audit)
  addSearchCommand(audit)
  addPurgeCommand(audit)
  addKeyCommand(audit)
}
