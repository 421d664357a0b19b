/**
 * `purser init`: the wizard that writes `.env` and `purser.yaml`. Rule: secrets are random and never shown, `.env` is
 * readable by its owner from its first byte on, and no file is overwritten; with --force the former ones are kept aside.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { renderEnv } from '../config/env.ts'
import { type SettingName, settingOf } from '../config/settings.ts'
import { ENVIRONMENTS } from '../core/principal.ts'
import { newEncryptionKey } from '../crypto/keyring.ts'
import { Failure } from './failure.ts'
import { tell } from './io.ts'
import { renderConfigFile, STORE_STANZAS } from './templates.ts'

export interface Choices {
  readonly environment: string
  readonly port: string
  readonly scopeRoot: string
  /** Kind of the first store. */
  readonly store: string
  /** Whether a client `demo` may read `local:demo/*`. */
  readonly demo: boolean
}

export const DEV_CHOICES: Choices = {
  environment: 'dev',
  port: '8700',
  scopeRoot: 'aura-services',
  store: 'local',
  demo: true
}

const FILES = ['.env', 'purser.yaml'] as const

const onDisk = (name: string, work: () => void): void => {
  try {
    work()
  } catch (error) {
    throw new Failure(`${name} cannot be written (${(error as NodeJS.ErrnoException).code}).`)
  }
}

const keepAside = (folder: string, names: readonly string[]): void => {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  for (const name of names) {
    const backup = `${name}.bak-${time}`
    onDisk(backup, () => {
      chmodSync(join(folder, name), 0o600)
      renameSync(join(folder, name), join(folder, backup))
    })
    tell(`The former ${name} is now ${backup}.`)
  }
  if (names.includes('.env')) {
    tell(
      'The former ENCRYPTION_KEYS are no longer accepted: API keys issued under them are refused and stored secrets cannot\nbe opened, unless you put them before the new one in .env.'
    )
  }
}

/** The files that are there. Throws Failure if there are any and `force` is not set. */
const existingFiles = (folder: string, force: boolean): string[] => {
  const existing = FILES.filter((name) => existsSync(join(folder, name)))
  if (existing.length === 0 || force) return existing
  throw new Failure(
    `Nothing was written: there is ${existing.join(' and ')} already. With --force new files take its place and the former are kept aside.`
  )
}

/** Writes the files and creates `data/`. Throws Failure if one exists and `force` is not set. */
export const initialise = (folder: string, choices: Choices, force = false): void => {
  const existing = existingFiles(folder, force)
  keepAside(folder, existing)
  const env = renderEnv('Settings of Purser. Whoever reads this file can open every API key.', {
    ENVIRONMENT: choices.environment,
    PORT: choices.port,
    SCOPE_ROOT: choices.scopeRoot,
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: randomBytes(32).toString('base64url')
  })
  onDisk('.env', () => writeFileSync(join(folder, '.env'), env, { flag: 'wx', mode: 0o600 }))
  const file = join(folder, 'purser.yaml')
  onDisk('purser.yaml', () => {
    writeFileSync(file, renderConfigFile(choices.store, choices.demo), { flag: 'wx' })
    // It holds no secret, and a container reads it as a user of its own.
    chmodSync(file, 0o644)
  })
  onDisk('data', () => mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 }))
  tell('Written: .env (mode 600, with fresh random keys), purser.yaml and data/.')
}

const parseSetting =
  (name: SettingName) =>
  (text: string): string => {
    try {
      settingOf(name).parse(text)
      return text
    } catch (error) {
      throw new InvalidArgumentError(`It ${(error as Error).message}.`)
    }
  }

const parseKind = (text: string): string => {
  const kinds = Object.keys(STORE_STANZAS)
  if (kinds.includes(text)) return text
  throw new InvalidArgumentError(`It must be one of ${kinds.join(', ')}.`)
}

type Answers = Omit<Choices, 'demo'>

interface Question {
  readonly member: keyof Answers
  readonly text: string
  readonly fallback: string
  readonly parse: (text: string) => string
}

const QUESTIONS: readonly Question[] = [
  {
    member: 'environment',
    text: `Environment (${ENVIRONMENTS.join(', ')})`,
    fallback: 'pro',
    parse: parseSetting('ENVIRONMENT')
  },
  { member: 'port', text: 'Port', fallback: '8700', parse: parseSetting('PORT') },
  {
    member: 'scopeRoot',
    text: 'Scope above all public routes',
    fallback: 'aura-services',
    parse: parseSetting('SCOPE_ROOT')
  },
  {
    member: 'store',
    text: `Kind of the first store (${Object.keys(STORE_STANZAS).join(', ')})`,
    fallback: 'local',
    parse: parseKind
  }
]

/** Asks on the terminal for what no flag has said; without a terminal the defaults stand. */
const complete = async (given: Partial<Answers>): Promise<Answers> => {
  const fallbacks = QUESTIONS.map(({ member, fallback }) => [member, fallback])
  const answers = { ...Object.fromEntries(fallbacks), ...given } as Record<keyof Answers, string>
  if (!process.stdin.isTTY) return answers
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new Promise<never>((_resolve, reject) => {
    terminal.once('close', () => reject(new Failure('Nothing was written.')))
  })
  closed.catch(() => {})
  try {
    for (const { member, text, fallback, parse } of QUESTIONS) {
      let isOpen = given[member] === undefined
      while (isOpen) {
        const answer = await Promise.race([terminal.question(`${text} [${fallback}]: `), closed])
        try {
          answers[member] = parse(answer.trim() || fallback)
          isOpen = false
        } catch (error) {
          tell((error as Error).message)
        }
      }
    }
  } finally {
    terminal.close()
  }
  return answers
}

interface InitOptions extends Partial<Answers> {
  readonly dev?: boolean
  readonly force?: boolean
}

const init = async ({ dev, force, ...given }: InitOptions): Promise<void> => {
  existingFiles(process.cwd(), force === true)
  const choices = dev ? { ...DEV_CHOICES, ...given } : { ...(await complete(given)), demo: false }
  initialise(process.cwd(), choices, force)
  tell(
    'Next: look at the stores and policies in purser.yaml, then `purser config check` and `purser serve`.'
  )
}

export const addInitCommand = (program: Command): void => {
  program
    .command('init')
    .description(
      'write .env and purser.yaml: asks, or takes flags; never overwrites without --force'
    )
    .option('--dev', 'no questions: environment dev, the local store, a policy for a client demo')
    .option('--force', 'replace existing files; the former ones are kept as <name>.bak-<time>')
    .addOption(new Option('-e, --environment <environment>').choices(ENVIRONMENTS))
    .option('--port <port>', 'of the public listener', parseSetting('PORT'))
    .option('--scope-root <scope>', 'the scope above all public routes', parseSetting('SCOPE_ROOT'))
    .option('--store <kind>', 'kind of the first store', parseKind)
    .addHelpText(
      'after',
      '\nExample:\n  $ purser init --environment pre --store vault\n  $ purser init --dev'
    )
    .action(init)
}
