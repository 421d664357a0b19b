/**
 * Every setting, once: its name, default, meaning and rule. `.env.example`, the wizard, the checks and the types all
 * come from this table. Rule: what is said of a setting is said here and nowhere else.
 */
import { ENVIRONMENTS } from '../core/principal.ts'
import { parseRedisKeyPrefix, parseRedisUrl } from '../state/redis-url.ts'
import { ADMINISTRATOR_SETTINGS } from './administrator-settings.ts'
import { optional, type Setting, setting } from './setting.ts'
import {
  encryptionKeys,
  flag,
  host,
  longSecrets,
  oneOf,
  origins,
  proxies,
  scope,
  sinks,
  text,
  version,
  whole,
  zeroOr
} from './setting-parsers.ts'

const SECONDS = whole(0, 31_536_000)
const PORT = whole(0, 65_535)
const COUNT = whole(1, 1_000_000_000)

const SETTINGS = {
  ENVIRONMENT: setting(
    'the environment that keys must have been issued for: dev, stg, pre or pro',
    oneOf(ENVIRONMENTS),
    { fallback: 'pro' }
  ),
  PLATFORM_VERSION: setting('compared with the minimum version that a key names', version, {
    fallback: '8.3.0'
  }),
  HOST: setting('address of the public listener; a TLS proxy stands in front', host, {
    fallback: '127.0.0.1'
  }),
  PORT: setting('port of the public listener', PORT, { fallback: '8700' }),
  INTERNAL_HOST: optional(
    'address of a listener of its own for /internal/*; with INTERNAL_PORT',
    host
  ),
  INTERNAL_PORT: optional('if set, /internal/* is served there and nowhere else', PORT),
  CONSOLE_ENABLED: setting(
    "serves the administrators' page at /console, where INTERNAL_PORT is, else on PORT",
    flag,
    { fallback: 'false' }
  ),
  CONSOLE_HOST: optional('address of a listener of its own for /console; with CONSOLE_PORT', host),
  CONSOLE_PORT: optional('if set, /console is served there and nowhere else', PORT),
  TRUST_PROXY: optional(
    'exact addresses of the proxies whose X-Forwarded-For is believed, comma-separated',
    proxies
  ),
  WORKERS: setting(
    'processes that serve together, one for each core at the most; more than 1 with REDIS_URL',
    whole(1, 64),
    { fallback: '1' }
  ),
  CONNECTIONS_PER_ADDRESS: setting(
    'connections of one address that have not proven a key, divided among WORKERS; those of TRUST_PROXY are not counted',
    whole(1, 10_000),
    { fallback: '256' }
  ),
  KEEP_ALIVE_SECONDS: setting(
    'how long an idle connection is kept; longer than proxies keep theirs, or they lose requests',
    whole(1, 3_600),
    { fallback: '75' }
  ),
  DRAIN_SECONDS: setting(
    'at SIGTERM, how long readiness is off before the listener closes',
    whole(0, 3_600),
    { fallback: '0' }
  ),
  TLS_CERT_FILE: optional('certificate chain (PEM) to serve TLS with', text),
  TLS_KEY_FILE: optional('private key (PEM) of that certificate', text),
  TLS_CLIENT_CA_FILE: optional('if set, callers must present a certificate of this CA', text),
  ENV_FILE: optional(
    'where this file stands, by default ./.env; said in the environment or by --env-file, not in the file itself',
    text
  ),
  CONFIG_FILE: setting('stores, policies and names', text, { fallback: './purser.yaml' }),
  DATA_DIR: setting('the embedded state and the audit trail', text, { fallback: './data' }),
  ENCRYPTION_KEYS: setting(
    'each exactly 32 characters, comma-separated; the last is active, all are accepted',
    encryptionKeys,
    { required: true, secret: true, aliases: ['AURA_ENCRYPTION_KEY'] }
  ),
  INTERNAL_SECRET: setting(
    'each at least 32 characters, comma-separated; all are accepted in X-Internal-Secret',
    longSecrets,
    { required: true, secret: true, aliases: ['GATEWAY_INTERNAL_SECRET'] }
  ),
  ...ADMINISTRATOR_SETTINGS,
  SCOPE_ROOT: setting('the scope above all public routes', scope, { fallback: 'aura-services' }),
  ADMIN_SCOPE: setting('the scope of administration; the root does not cover it', scope, {
    fallback: 'aura-admin'
  }),
  API_KEY_MAX_DAYS: setting(
    'longest life that a key may be issued with; 0 is no limit',
    whole(0, 3650),
    { fallback: '0' }
  ),
  REDIS_URL: optional(
    'state and cache of any number of replicas: redis://, rediss://, redis+sentinel://, redis+cluster://, unix:///path',
    parseRedisUrl,
    { secret: true }
  ),
  REDIS_CA_FILE: optional(
    'authorities (PEM) to trust for rediss://, instead of the public ones',
    text
  ),
  REDIS_CERT_FILE: optional('certificate (PEM) that this service shows to Redis', text),
  REDIS_KEY_FILE: optional('private key (PEM) of that certificate', text),
  REDIS_KEY_PREFIX: setting('before every key in Redis', parseRedisKeyPrefix, {
    fallback: 'purser:'
  }),
  REVOCATION_BLIND_SECONDS: setting(
    'when a replica that cannot ask Redis for revocations stops being ready: from 5, or 0, which is never',
    zeroOr(5, 31_536_000),
    { fallback: '0' }
  ),
  CACHE_TTL_SECONDS: setting(
    'how long a secret is served from the cache; 0 is not at all',
    SECONDS,
    { fallback: '600' }
  ),
  CACHE_MAX_ENTRIES: setting('secrets kept in memory, by each of WORKERS', COUNT, {
    fallback: '10000'
  }),
  CACHE_NEGATIVE_TTL_SECONDS: setting(
    'how long it is remembered that a secret is missing, denied, unusable or untagged',
    SECONDS,
    { fallback: '15' }
  ),
  STALE_IF_ERROR_SECONDS: setting(
    'how long past its time a secret may be served while its store fails; 0 is never',
    SECONDS,
    { fallback: '3600' }
  ),
  CACHE_PERSISTENT: setting(
    'what is cached survives a restart, sealed in DATA_DIR: given as STALE only, while its store fails; not with REDIS_URL',
    flag,
    { fallback: 'false' }
  ),
  UPSTREAM_TIMEOUT_MS: setting(
    'total deadline of one store read, retries included',
    whole(10, 60_000),
    { fallback: '3000' }
  ),
  RATE_LIMIT_ENABLED: setting('limits per key, per address and of failed logins', flag, {
    fallback: 'true'
  }),
  RATE_LIMIT_MAX: setting('requests of one key in a window', COUNT, { fallback: '6000' }),
  RATE_LIMIT_WINDOW_SECONDS: setting('length of the window', whole(1, 86_400), { fallback: '60' }),
  RATE_LIMIT_IP_MAX: setting('requests of one address in a window', COUNT, { fallback: '12000' }),
  RATE_LIMIT_AUTH_FAILURES_MAX: setting('failed logins of one address in a window', COUNT, {
    fallback: '20'
  }),
  CORS_ALLOW_ORIGINS: optional(
    'exact origins whose browser pages may call, comma-separated; * is refused in pre and pro',
    origins
  ),
  BODY_LIMIT_KB: setting('largest request body', whole(1, 10_240), { fallback: '64' }),
  ALLOW_ADMIN_WRITE: setting('admin routes that change configuration or stores', flag, {
    fallback: 'false'
  }),
  AUDIT_REQUIRED: setting('no secret leaves unrecorded', flag, { fallback: 'true' }),
  AUDIT_FSYNC: setting(
    'each record on the disk, not only with the operating system, before the answer',
    flag,
    { fallback: 'false' }
  ),
  AUDIT_SINKS: setting('file, stdout, redis; nothing leaves while one with ! fails', sinks, {
    fallback: 'file!'
  }),
  AUDIT_REDIS_MB: setting('bound of its records in Redis, of each process', whole(1, 65_536), {
    fallback: '64'
  }),
  AUDIT_AUDITOR_KEY_FILE: optional(
    'public key (PEM) of an auditor, as `purser audit key new` makes it; each process seals the first key of its trail to it',
    text
  ),
  AUDIT_RETENTION_DAYS: setting('how many whole days audit records are kept', whole(1, 36_500), {
    fallback: '90'
  }),
  RETENTION_PURGE_ENABLED: setting('whether what is over its time is deleted', flag, {
    fallback: 'true'
  }),
  RETENTION_PURGE_INTERVAL_MINUTES: setting('how often that is looked after', whole(1, 10_080), {
    fallback: '60'
  }),
  LOG_LEVEL: setting(
    'fatal, error, warn, info, debug, trace or silent',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    { fallback: 'info' }
  ),
  DOCS_ENABLED: setting('serves /openapi.yaml and /docs, its page', flag, { fallback: 'false' }),
  METRICS_ENABLED: setting('serves /internal/metrics, and counts for it', flag, {
    fallback: 'true'
  }),
  METRICS_TOKEN: optional(
    'opens /internal/metrics alone, as Bearer, so that what scrapes needs no INTERNAL_SECRET; each at least 32 characters, comma-separated',
    longSecrets,
    { secret: true }
  ),
  AUTHORIZE_SECRET: optional(
    'opens /internal/authorize alone, in X-Internal-Secret, so that a proxy needs no INTERNAL_SECRET; each at least 32 characters, comma-separated',
    longSecrets,
    { secret: true }
  ),
  VAULT_NAMESPACE: optional('the namespace of every Vault store that names none of its own', text),
  HASHICORP_VAULT_CONFIG: optional("Apono's JSON list of Vaults; each becomes a store", text, {
    secret: true
  }),
  HASHICORP_VAULT_CONFIG_FILE_PATH: optional('the same in a file', text)
} as const satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof SETTINGS
export type Settings = { readonly [K in SettingName]: ReturnType<(typeof SETTINGS)[K]['parse']> }

export const settingNames = Object.keys(SETTINGS) as SettingName[]

/** The table's rows with their common type, for code that goes through all of them. */
export const settingOf = (name: SettingName): Setting<unknown> => SETTINGS[name]
