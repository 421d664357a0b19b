/** What settings have to be to each other. Rule: nothing is said of a setting that was not read. */
import { mayBePrivate } from '../core/network.ts'
import { covers } from '../core/scope.ts'
import type { ConfigFault } from './fault.ts'
import type { SettingName, Settings } from './settings.ts'
import { faultsOfSignIn } from './sign-in.ts'
/** Where nothing is allowed that is only fit for trying things out. */
export const isGuarded = ({ ENVIRONMENT }: Partial<Pick<Settings, 'ENVIRONMENT'>>): boolean =>
  ENVIRONMENT === 'pre' || ENVIRONMENT === 'pro'

/** What is said of a secret that stands in two settings. */
export const REUSED = 'the same secret serves two settings: each needs its own'

const ofAudit = (
  { AUDIT_REQUIRED, AUDIT_SINKS, REDIS_URL }: Partial<Settings>,
  isUnknown: (name: SettingName) => boolean
): ConfigFault[] => {
  if (AUDIT_SINKS === undefined) return []
  const place = 'AUDIT_SINKS'
  const faults: ConfigFault[] = []
  if (AUDIT_REQUIRED && AUDIT_SINKS.every(({ isRequired }) => !isRequired)) {
    const message = 'requires none, but AUDIT_REQUIRED is true: put ! behind one, as in file!'
    faults.push({ place, message })
  }
  const hasRedis = AUDIT_SINKS.some(({ name }) => name === 'redis')
  if (hasRedis && REDIS_URL === undefined && !isUnknown('REDIS_URL')) {
    faults.push({ place, message: 'has redis, which needs REDIS_URL' })
  }
  return faults
}

const ofSessions = (settings: Partial<Settings>): ConfigFault[] => {
  const { ENVIRONMENT, AUTH_COOKIE_SECURE, AUTH_COOKIE_SAMESITE, RETURN_JWT_IN_BODY } = settings
  const faults: ConfigFault[] = []
  const fault = (place: SettingName, message: string): number => faults.push({ place, message })
  if (AUTH_COOKIE_SECURE === false && ENVIRONMENT !== undefined && ENVIRONMENT !== 'dev') {
    fault('AUTH_COOKIE_SECURE', 'false is for dev alone: elsewhere the cookie goes over TLS only')
  }
  if (AUTH_COOKIE_SECURE === false && AUTH_COOKIE_SAMESITE === 'none') {
    fault('AUTH_COOKIE_SAMESITE', 'none needs AUTH_COOKIE_SECURE=true: browsers drop it otherwise')
  }
  if (isGuarded(settings) && RETURN_JWT_IN_BODY === true) {
    fault('RETURN_JWT_IN_BODY', 'is refused in pre and pro: scripts of a page could read it')
  }
  return faults
}

/** Where it would keep nothing, or what is kept already. */
const ofSurvivors = ({
  CACHE_PERSISTENT,
  REDIS_URL,
  CACHE_TTL_SECONDS,
  STALE_IF_ERROR_SECONDS
}: Partial<Settings>): ConfigFault[] => {
  if (CACHE_PERSISTENT !== true) return []
  const place = 'CACHE_PERSISTENT'
  const isIdle = CACHE_TTL_SECONDS === 0 || STALE_IF_ERROR_SECONDS === 0
  return [
    ...(REDIS_URL === undefined
      ? []
      : [{ place, message: 'is of no use with REDIS_URL: what is cached survives in Redis' }]),
    ...(isIdle
      ? [{ place, message: 'needs CACHE_TTL_SECONDS and STALE_IF_ERROR_SECONDS above 0' }]
      : [])
  ]
}

const PAIRS = [
  ['INTERNAL_PORT', 'INTERNAL_HOST'],
  ['CONSOLE_PORT', 'CONSOLE_HOST'],
  ['TLS_KEY_FILE', 'TLS_CERT_FILE'],
  ['REDIS_KEY_FILE', 'REDIS_CERT_FILE']
] as const

/**
 * What settings have to be to each other. Unknown is one that was not asked for, or that is at fault itself and was told
 * already: nothing is said of its absence.
 */
export const together = (
  settings: Partial<Settings>,
  isUnknown: (name: SettingName) => boolean
): ConfigFault[] => {
  const faults = [
    ...ofAudit(settings, isUnknown),
    ...ofSessions(settings),
    ...faultsOfSignIn(settings, isUnknown),
    ...ofSurvivors(settings)
  ]
  const fault = (place: SettingName, message: string): number => faults.push({ place, message })
  for (const [key, other] of PAIRS) {
    if (isUnknown(key) || isUnknown(other)) continue
    if ((settings[key] === undefined) === (settings[other] === undefined)) continue
    fault(key, `${other} and ${key} are given together or not at all`)
  }
  const { TLS_CLIENT_CA_FILE, TLS_CERT_FILE } = settings
  if (
    TLS_CLIENT_CA_FILE !== undefined &&
    TLS_CERT_FILE === undefined &&
    !isUnknown('TLS_CERT_FILE')
  ) {
    fault('TLS_CLIENT_CA_FILE', 'needs TLS_CERT_FILE and TLS_KEY_FILE')
  }
  const { REDIS_URL, WORKERS = 1, CONNECTIONS_PER_ADDRESS = WORKERS } = settings
  if (WORKERS > 1 && REDIS_URL === undefined && !isUnknown('REDIS_URL')) {
    fault(
      'WORKERS',
      'more than 1 needs REDIS_URL, by which processes share limits, revocations and invalidations'
    )
  }
  if (CONNECTIONS_PER_ADDRESS < WORKERS) {
    fault('CONNECTIONS_PER_ADDRESS', 'is divided among WORKERS, and so is no less than these')
  }
  const network = REDIS_URL?.kind === 'socket' ? undefined : REDIS_URL
  for (const name of ['REDIS_CA_FILE', 'REDIS_CERT_FILE'] as const) {
    if (settings[name] === undefined || network?.tls || isUnknown('REDIS_URL')) continue
    fault(name, 'needs a REDIS_URL with TLS: rediss://, rediss+sentinel:// or rediss+cluster://')
  }
  if (isGuarded(settings) && settings.CORS_ALLOW_ORIGINS?.includes('*')) {
    fault('CORS_ALLOW_ORIGINS', '* is refused in pre and pro')
  }
  const { SCOPE_ROOT, ADMIN_SCOPE } = settings
  if (SCOPE_ROOT !== undefined && ADMIN_SCOPE !== undefined) {
    // Otherwise each caller could administer, or each administrator read secrets.
    if (covers(SCOPE_ROOT, ADMIN_SCOPE) || covers(ADMIN_SCOPE, SCOPE_ROOT)) {
      fault('ADMIN_SCOPE', 'and SCOPE_ROOT stand apart: neither is the other, or below it')
    }
  }
  const mayBeClosed = network?.nodes.every(({ host }) => mayBePrivate(host)) ?? true
  if (isGuarded(settings) && network?.tls === false && !mayBeClosed) {
    fault('REDIS_URL', 'leads to a public address without TLS: pre and pro take rediss: there')
  }
  if (
    settings.HASHICORP_VAULT_CONFIG !== undefined &&
    settings.HASHICORP_VAULT_CONFIG_FILE_PATH !== undefined
  ) {
    fault('HASHICORP_VAULT_CONFIG_FILE_PATH', 'is given beside HASHICORP_VAULT_CONFIG: take one')
  }
  const {
    ENCRYPTION_KEYS = [],
    INTERNAL_SECRET = [],
    METRICS_TOKEN = [],
    AUTHORIZE_SECRET = [],
    JWT_SECRET = []
  } = settings
  const groups = [ENCRYPTION_KEYS, INTERNAL_SECRET, METRICS_TOKEN, AUTHORIZE_SECRET, JWT_SECRET]
  if (new Set(groups.flat()).size !== groups.flat().length) {
    fault('INTERNAL_SECRET', REUSED)
  }
  return faults
}
