/**
 * `purser key issue`: an API key. Rule: it leaves on stdout once and is kept nowhere; issuing needs the encryption keys
 * alone, no service and no `purser.yaml`.
 */
import { readEnvFile, readEnviron, readSomeSettings } from '../config/env.ts'
import { takenNames } from '../config/names.ts'
import type { Environment, Mode } from '../core/principal.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { type SigningCredentials, signingCredentialsOf } from '../crypto/sigv4-secret.ts'
import { issueApiKey } from '../keys/api-key.ts'
import { toClaims } from '../keys/claims.ts'
import { usageFailure } from './failure.ts'
import { print, requireOutput, tell } from './io.ts'
import { onRecordIfAny, TRAIL } from './on-record.ts'

export interface IssueOptions {
  readonly scope: readonly string[]
  readonly environment: Environment
  readonly enviroment?: Environment
  readonly authorised: string
  readonly auraVersion: string
  readonly mode: Mode
  /** True: the flag without a value, as Aura's generator takes it. */
  readonly identifier?: string | true
  readonly expires?: number
  readonly from?: readonly string[]
  readonly json?: true
  readonly aws?: true
}

const lifeOf = (asked: number | undefined, limit: number): number | undefined => {
  if (limit === 0) return asked
  if (asked !== undefined && asked > limit) {
    throw usageFailure(`A key may be issued for ${limit} days at most (API_KEY_MAX_DAYS).`)
  }
  if (asked === undefined) tell(`The key gets the longest life of API_KEY_MAX_DAYS: ${limit} days.`)
  return asked ?? limit
}

/** As a shell or an env file takes them: none of the values has a character that either would read otherwise. */
const awsVariables = (apiKey: string, signing: SigningCredentials): string =>
  [
    `AWS_ACCESS_KEY_ID=${signing.accessKeyId}`,
    `AWS_SECRET_ACCESS_KEY=${signing.secretAccessKey}`,
    `AWS_SESSION_TOKEN=${apiKey}`
  ].join('\n')

export const issue = async (options: IssueOptions): Promise<void> => {
  requireOutput()
  const names = [...TRAIL, 'API_KEY_MAX_DAYS'] as const
  const folder = process.cwd()
  const settings = readSomeSettings(process.env, folder, names)
  const days = lifeOf(options.expires, settings.API_KEY_MAX_DAYS)
  const request = {
    keyId: options.identifier === true ? undefined : options.identifier,
    client: options.authorised,
    scopes: options.scope,
    mode: options.mode,
    environment: options.enviroment ?? options.environment,
    minimumVersion: options.auraVersion,
    networks: options.from,
    ...(days !== undefined && { lifetimeSeconds: days * 86_400 })
  }
  for (const { place, message } of takenNames(readEnvFile(process.env, folder))) {
    tell(`Note: ${place}: ${message}.`)
  }
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const { apiKey, principal } = await onRecordIfAny('key issue', settings, undefined, ({ of }) =>
    of(
      'key.issue',
      undefined,
      () => issueApiKey(keyring, request, Date.now()),
      (issued) => ({ reason: issued.principal.keyId })
    )
  )
  const claims = toClaims(principal)
  tell(`client       ${claims.client}
key id       ${claims.keyId}
scopes       ${claims.scopes.join(', ')}
mode         ${claims.mode}
environment  ${claims.environment}
platform     ${claims.minimumVersion} or newer
expires      ${claims.expiresAt ?? 'never'}
usable from  ${claims.networks?.join(', ') ?? 'anywhere'}
sealed with  ${principal.kid}
The key is shown this once and kept nowhere.`)
  const isSettled = (readEnviron(process.env, folder)['ENVIRONMENT'] ?? '') !== ''
  if (isSettled && settings.ENVIRONMENT !== claims.environment) {
    tell(`Note: ENVIRONMENT is ${settings.ENVIRONMENT} here, where the key will be refused.`)
  }
  if (options.aws) {
    await print(awsVariables(apiKey, signingCredentialsOf(keyring.active, claims.keyId)))
    return
  }
  await print(options.json ? JSON.stringify({ apiKey, ...claims }, null, 2) : apiKey)
}
