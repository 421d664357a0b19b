/**
 * `purser init`: the wizard that writes `.env` and `purser.yaml`. Rule: secrets are random and never shown, `.env` is
 * readable by its owner from its first byte on, and no file is overwritten; with --force the former ones are kept
 * aside.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { envFilePlace, renderEnv } from '../config/env.ts'
import { newEncryptionKey } from '../crypto/keyring.ts'
import { makeFolderSync } from '../files/folder.ts'
import { workTreeOf } from '../files/work-tree.ts'
import { type VaultChoices, vaultVariables } from '../kinds/vault/example.ts'
import { CommandFailure, usageFailure } from './failure.ts'
import { tell } from './io.ts'
import { renderConfigFile } from './templates.ts'
import { completeAnswers, type InitAnswers } from './wizard.ts'

export interface Choices {
  readonly environment: string
  readonly port: string
  readonly scopeRoot: string
  /** Kind of the first store. */
  readonly store: string
  /** Of a store of kind vault. */
  readonly vault?: VaultChoices
  /** Whether a client `demo` may read `local:demo/*`. */
  readonly demo: boolean
}

const DEV_ANSWERS: Partial<InitAnswers> = {
  environment: 'dev',
  port: '8700',
  scopeRoot: 'aura-services',
  store: 'local'
}

export const DEV_CHOICES: Choices = {
  environment: 'dev',
  port: '8700',
  scopeRoot: 'aura-services',
  store: 'local',
  demo: true
}

const onDisk = (name: string, work: () => void): void => {
  try {
    work()
  } catch (error) {
    throw new CommandFailure(
      `${name} cannot be written (${(error as NodeJS.ErrnoException).code}).`
    )
  }
}

interface Target {
  readonly label: string
  readonly path: string
}

/** Settings of this process that say where files are: what is written goes there, and the new settings say so too. */
const placesGiven = (): { CONFIG_FILE?: string; DATA_DIR?: string } => {
  const { CONFIG_FILE = '', DATA_DIR = '' } = process.env
  return { ...(CONFIG_FILE !== '' && { CONFIG_FILE }), ...(DATA_DIR !== '' && { DATA_DIR }) }
}

/** Where the files go: to where they will be read from. */
const targetsIn = (
  folder: string
): { readonly env: Target; readonly yaml: Target; readonly data: Target } => {
  const { CONFIG_FILE = 'purser.yaml', DATA_DIR = 'data/' } = placesGiven()
  return {
    env: envFilePlace(process.env, folder),
    yaml: { label: CONFIG_FILE, path: resolve(folder, CONFIG_FILE) },
    data: { label: DATA_DIR, path: resolve(folder, DATA_DIR) }
  }
}

const keepAside = (existing: readonly Target[], env: Target): void => {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  for (const { label, path } of existing) {
    const backup = `.bak-${time}`
    onDisk(`${label}${backup}`, () => {
      chmodSync(path, 0o600)
      renameSync(path, `${path}${backup}`)
    })
    tell(`The former ${label} is now ${label}${backup}.`)
  }
  if (existing.includes(env)) {
    tell(
      `The former ENCRYPTION_KEYS are no longer accepted: API keys issued under them are refused and stored secrets cannot\nbe opened, unless you put them before the new one in ${env.label}.`
    )
  }
}

/** The files that are there. Throws CommandFailure if there are any and `force` is not set. */
const existingOf = (targets: readonly Target[], force: boolean): Target[] => {
  const existing = targets.filter(({ path }) => existsSync(path))
  if (existing.length === 0 || force) return existing
  const names = existing.map(({ label }) => label).join(' and ')
  throw new CommandFailure(
    `Nothing was written: there is ${names} already. With --force new files take its place and the former are kept aside.`
  )
}

/** Lines for what the login of the store needs; the values are not asked for, since a terminal shows what is typed. */
const credentialLines = (variables: readonly string[]): string =>
  variables.length === 0
    ? ''
    : `\n# credentials of the store vault\n${variables.map((name) => `${name}=\n`).join('')}`

/** A browser on this machine comes by http:. */
const consoleSettings = () => ({
  CONSOLE_ENABLED: 'true',
  JWT_SECRET: randomBytes(32).toString('base64url'),
  AUTH_COOKIE_SECURE: 'false'
})

/** Writes the files and creates `data/`. Throws CommandFailure if one exists and `force` is not set. */
export const initialise = (folder: string, choices: Choices, force = false): void => {
  const { env, yaml, data } = targetsIn(folder)
  keepAside(existingOf([env, yaml], force), env)
  const { vault } = choices
  const variables = vault === undefined ? [] : vaultVariables(vault)
  const settings = renderEnv(
    'Settings of Purser. Whoever reads this file can open every API key.',
    {
      ENVIRONMENT: choices.environment,
      PORT: choices.port,
      SCOPE_ROOT: choices.scopeRoot,
      ...placesGiven(),
      ENCRYPTION_KEYS: newEncryptionKey(),
      INTERNAL_SECRET: randomBytes(32).toString('base64url'),
      ...(choices.demo && choices.environment === 'dev' && consoleSettings())
    }
  )
  const lines = settings + credentialLines(variables)
  for (const { label, path } of [env, yaml]) {
    onDisk(label, () => makeFolderSync(dirname(path)))
  }
  onDisk(env.label, () => writeFileSync(env.path, lines, { flag: 'wx', mode: 0o600 }))
  onDisk(yaml.label, () => {
    writeFileSync(yaml.path, renderConfigFile(choices.store, choices.demo, vault), { flag: 'wx' })
    // It holds no secret, and a container reads it as a user of its own.
    chmodSync(yaml.path, 0o644)
  })
  onDisk(data.label, () => makeFolderSync(data.path))
  tell(`Written: ${env.label} (mode 600, with fresh random keys), ${yaml.label} and ${data.label}.`)
  if (env.label !== '.env') tell(`Commands find it by ENV_FILE=${env.label} or --env-file.`)
  if (['pre', 'pro'].includes(choices.environment) && workTreeOf(env.path) !== undefined) {
    tell(
      `${env.label} lies in a git working tree: keep it elsewhere, for example by --env-file /etc/purser/pro.env.`
    )
  }
  if (variables.length > 0)
    tell(`Put into it what the store logs in with: ${variables.join(', ')}.`)
}

export interface InitOptions extends Partial<InitAnswers> {
  readonly dev?: boolean
  readonly force?: boolean
}

const choicesOf = ({ vaultAddress, vaultLogin, vaultName, ...rest }: InitAnswers): Choices => ({
  ...rest,
  demo: false,
  ...(rest.store === 'vault' && {
    vault: { address: vaultAddress, login: vaultLogin, name: vaultName }
  })
})

export const init = async ({ dev, force, ...given }: InitOptions): Promise<void> => {
  const { env, yaml } = targetsIn(process.cwd())
  if (dev && given.environment !== undefined && given.environment !== DEV_ANSWERS.environment) {
    throw usageFailure('--dev is for environment dev: leave one of the two out.')
  }
  existingOf([env, yaml], force === true)
  const answers = await completeAnswers(dev ? { ...DEV_ANSWERS, ...given } : given)
  initialise(process.cwd(), { ...choicesOf(answers), demo: dev === true }, force)
  tell(
    `Next: look at the stores and policies in ${yaml.label}, then \`purser config check\` and \`purser serve\`.`
  )
}
