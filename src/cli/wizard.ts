/**
 * What `purser init` asks. Rule: a flag is an answer; nothing is asked without a terminal, and then the environment has
 * to be said: the wizard never decides that something is meant in earnest.
 */
import { createInterface } from 'node:readline/promises'
import { InvalidArgumentError } from 'commander'
import { type SettingName, settingOf } from '../config/settings.ts'
import { ENVIRONMENTS } from '../core/principal.ts'
import { examples } from '../kinds/examples.ts'
import { VAULT_CHOICES, VAULT_LOGINS, type VaultLogin } from '../kinds/vault/example.ts'
import { CommandFailure, usageFailure } from './failure.ts'
import { tell } from './io.ts'

export interface InitAnswers {
  readonly environment: string
  readonly port: string
  readonly scopeRoot: string
  /** Kind of the first store. */
  readonly store: string
  readonly vaultAddress: string
  readonly vaultLogin: VaultLogin
  /** The user or the role that logs in there. */
  readonly vaultName: string
}

export const parseSetting =
  (name: SettingName) =>
  (text: string): string => {
    try {
      settingOf(name).parse(text)
      return text
    } catch (error) {
      throw new InvalidArgumentError(`It ${(error as Error).message}.`)
    }
  }

const parseChoice =
  (choices: readonly string[]) =>
  (text: string): string => {
    if (choices.includes(text)) return text
    throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`)
  }

export const parseKind = parseChoice(Object.keys(examples))

export const parseVaultAddress = (text: string): string => {
  if (/^https?:\/\/[^/?#@\s]+\/?$/.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError('It must be a scheme, a host and a port: https://host:8200.')
}

export const parseVaultName = (text: string): string => {
  if (/^[^\p{Cc}]{1,512}$/u.test(text)) return text
  throw new InvalidArgumentError('It must have 1 to 512 characters.')
}

interface Question {
  readonly member: keyof InitAnswers
  readonly text: string
  readonly fallback: string
  readonly parse: (text: string) => string
  /** Absent: always. */
  readonly isAsked?: (answers: InitAnswers) => boolean
  /** Where a flag that gives the answer belongs, if not everywhere. */
  readonly belongs?: string
}

const isVault = ({ store }: InitAnswers): boolean => store === 'vault'

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
    text: `Kind of the first store (${Object.keys(examples).join(', ')})`,
    fallback: 'local',
    parse: parseKind
  },
  {
    member: 'vaultAddress',
    text: 'Address of the Vault',
    fallback: VAULT_CHOICES.address,
    parse: parseVaultAddress,
    isAsked: isVault,
    belongs: 'to --store vault'
  },
  {
    member: 'vaultLogin',
    text: `How to log in there (${VAULT_LOGINS.join(', ')})`,
    fallback: VAULT_CHOICES.login,
    parse: parseChoice(VAULT_LOGINS),
    isAsked: isVault,
    belongs: 'to --store vault'
  },
  {
    member: 'vaultName',
    text: 'User or role that logs in',
    fallback: VAULT_CHOICES.name,
    parse: parseVaultName,
    isAsked: (answers) => isVault(answers) && /userpass|kubernetes/.test(answers.vaultLogin),
    belongs: 'to --vault-login userpass or kubernetes'
  }
]

const fallbacks = Object.fromEntries(
  QUESTIONS.map(({ member, fallback }) => [member, fallback])
) as unknown as InitAnswers

/** A flag that would steer nothing is a mistake in it or beside it. */
const refuseIdle = (given: Partial<InitAnswers>, answers: InitAnswers): InitAnswers => {
  for (const { member, isAsked, belongs } of QUESTIONS) {
    if (given[member] === undefined || isAsked?.(answers) !== false) continue
    const flag = member.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw usageFailure(`Nothing was written: --${flag} belongs ${belongs}.`)
  }
  return answers
}

/** Asks on the terminal for what no flag has said; without a terminal the defaults stand, but for the environment. */
export const completeAnswers = async (given: Partial<InitAnswers>): Promise<InitAnswers> => {
  const answers = { ...fallbacks, ...given } as Record<keyof InitAnswers, string> & InitAnswers
  if (!process.stdin.isTTY) {
    if (given.environment !== undefined) return refuseIdle(given, answers)
    throw new CommandFailure(
      'Nothing was written: there is no terminal to ask on. Say what is wanted: --dev, or --environment with --port, --scope-root, --store (and --vault-address, --vault-login, --vault-name) where the defaults will not do.'
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new Promise<never>((_resolve, reject) => {
    terminal.once('close', () => reject(new CommandFailure('Nothing was written.')))
  })
  closed.catch(() => {})
  try {
    for (const { member, text, fallback, parse, isAsked = () => true } of QUESTIONS) {
      let isOpen = given[member] === undefined && isAsked(answers)
      while (isOpen) {
        const answer = await Promise.race([terminal.question(`${text} [${fallback}]: `), closed])
        try {
          Object.assign(answers, { [member]: parse(answer.trim() || fallback) })
          isOpen = false
        } catch (error) {
          tell((error as Error).message)
        }
      }
    }
  } finally {
    terminal.close()
  }
  return refuseIdle(given, answers)
}
