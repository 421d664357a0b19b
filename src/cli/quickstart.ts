/**
 * `purser quickstart`, which is `npm start`: from an empty folder to a service that answers. Rule: it writes a
 * configuration only where there is none at all; keys and secrets for a demonstration exist in the environment dev
 * alone, for the client `demo` of the policy.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, readConfig } from '../config/config.ts'
import { envFilePlace, readEnviron, variablesOf } from '../config/env.ts'
import { ProviderFault } from '../core/fault.ts'
import { Sensitive } from '../core/secret.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { issueApiKey } from '../keys/api-key.ts'
import { putSecret, readSecret } from '../kinds/local/store.ts'
import { compilePolicy } from '../kinds/references.ts'
import { announceLink, codesFor } from './console-link.ts'
import { CommandFailure } from './failure.ts'
import { DEV_CHOICES, initialise } from './init.ts'
import { print } from './io.ts'
import { serve } from './serve.ts'
import { withState } from './state.ts'
import { localStores } from './store.ts'

const CLIENT = 'demo'
const GREETING = { store: 'local', path: 'demo/greeting' }
const FORBIDDEN = { store: 'local', path: 'payroll/salaries' }
const FIELDS = { text: 'Hello from Purser', language: 'en' }
const ONE_DAY = 86_400

/** Writes what `purser init --dev` writes if there is nothing; throws CommandFailure if there is only half. */
const ensureConfiguration = (folder: string): void => {
  const environ = readEnviron(process.env, folder)
  const isGiven = variablesOf('ENCRYPTION_KEYS').some((name) => (process.env[name] ?? '') !== '')
  const { label, path } = envFilePlace(process.env, folder)
  const hasFile = existsSync(resolve(folder, environ['CONFIG_FILE'] || './purser.yaml'))
  const hasEnv = existsSync(path)
  const hasSecrets = hasEnv || isGiven
  if (hasFile && hasSecrets) return
  if (!hasFile && !hasSecrets) {
    initialise(folder, DEV_CHOICES)
    return
  }
  const [found, missing] = hasFile
    ? ['purser.yaml', `${label} (or ENCRYPTION_KEYS in the environment)`]
    : [hasEnv ? label : 'ENCRYPTION_KEYS in the environment', 'purser.yaml']
  throw new CommandFailure(
    `Half a configuration: there is ${found}, but no ${missing}. Nothing was changed. Bring what is missing, or take the other half away and start again to get both written afresh.`
  )
}

const isDemo = ({ settings, policies }: Config): boolean =>
  settings.ENVIRONMENT === 'dev' && policies.some(({ client }) => [client].flat().includes(CLIENT))

const mayRead = (config: Config, secret: typeof GREETING): boolean =>
  compilePolicy(config.policies).isAllowed(CLIENT, 'read', secret)

const ensureGreeting = (config: Config): Promise<void> =>
  withState(config.settings, async ({ state }) => {
    const store = localStores(config, state).get(GREETING.store)
    if (store === undefined) return
    try {
      await readSecret(store, GREETING.path)
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error
      if (error.reason !== 'not_found') return
      await putSecret(store, GREETING.path, new Sensitive(JSON.stringify(FIELDS)))
    }
  })

/** Lines with curl that hold a fresh key, each complete in itself. */
const curlLines = async (config: Config, origin: string): Promise<readonly string[]> => {
  const { ENCRYPTION_KEYS, SCOPE_ROOT, PLATFORM_VERSION } = config.settings
  const { apiKey } = await issueApiKey(
    createKeyring(ENCRYPTION_KEYS),
    {
      client: CLIENT,
      scopes: [`${SCOPE_ROOT}:secrets`],
      mode: 'r',
      environment: 'dev',
      minimumVersion: PLATFORM_VERSION,
      lifetimeSeconds: ONE_DAY
    },
    Date.now()
  )
  const curl = (target: string): string =>
    `curl -sS -w '\\n%{http_code}\\n' -H 'Authorization: Bearer ${apiKey}' '${origin}${target}'`
  const read = ({ store, path }: typeof GREETING): string => `/v1/secrets?ref=${store}:${path}`
  const lines = [
    'Purser runs in dev mode: made for trying it out, not for real secrets.',
    'Paste these into another terminal; the key of the client demo in them is valid for one day.'
  ]
  if (mayRead(config, GREETING)) {
    lines.push('', 'A secret that the policy allows: 200', curl(`${read(GREETING)}&field=text`))
  }
  if (!mayRead(config, FORBIDDEN)) {
    lines.push('', 'One that it does not, be it there or not: 403', curl(read(FORBIDDEN)))
  }
  lines.push('', 'What the key may do: 200', curl('/v1/whoami'))
  return lines
}

const READ_ON =
  'Settings are in .env, stores and policies in purser.yaml. Read on in README.md and `npx purser --help`.'
const NO_LINK =
  'There is a page too: docs/console.md says which settings switch it on (`purser init --dev` writes them).'

export const quickstart = async (): Promise<void> => {
  const folder = process.cwd()
  ensureConfiguration(folder)
  const config = readConfig(process.env, folder)
  if (!isDemo(config)) return serve(folder)
  if (mayRead(config, GREETING)) await ensureGreeting(config)
  const signInCodes = codesFor(config)
  const announce = async (origin: string, consoleOrigin: string | undefined): Promise<void> => {
    const lines = await curlLines(config, origin)
    // Last, where it is seen: it does not wait long.
    const link = signInCodes && consoleOrigin && announceLink(signInCodes, consoleOrigin)
    await print(`\n${[...lines, '', READ_ON, '', ...(link || [NO_LINK])].join('\n')}\n`)
  }
  await serve(folder, { announce, signInCodes })
}
