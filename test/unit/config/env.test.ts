import { createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { type Environ, readSettings, readSomeSettings, renderEnv } from '../../../src/config/env.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { settingNames, settingOf } from '../../../src/config/settings.ts'
import { signInOf } from '../../../src/config/sign-in.ts'
import { weaknessOf } from '../../../src/config/strength.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createCanary } from '../../support/canary.ts'
import { randomSecret } from '../../support/keys.ts'

const good = (): Record<string, string> => ({
  ENCRYPTION_KEYS: newEncryptionKey(),
  INTERNAL_SECRET: randomSecret()
})

const faultsOf = (environ: Environ, folder = '/nowhere'): string[] => {
  try {
    readSettings(environ, folder)
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
  }
}

const folderWith = (t: Test, files: Record<string, string>, mode = 0o600): string => {
  const folder = t.testdir(files)
  for (const name of Object.keys(files)) chmodSync(join(folder, name), mode)
  return folder
}

test('the defaults stand, and an empty value is no value', async (t) => {
  const settings = readSettings({ ...good(), PORT: '', HOST: '' }, '/nowhere')
  t.match(settings, { ENVIRONMENT: 'pro', HOST: '127.0.0.1', PORT: 8700, CACHE_TTL_SECONDS: 600 })
  t.equal(settings.REDIS_URL, undefined)
  t.throws(() => Object.assign(settings, { PORT: 1 }))
})

test('sinks of the audit trail are known ones, and one is required unless no record is', async (t) => {
  const sinks = (AUDIT_SINKS: string, more: Environ = {}) =>
    faultsOf({ ...good(), AUDIT_SINKS, ...more })
  for (const known of ['file!', 'stdout!', 'file!,stdout', 'file, stdout!']) {
    t.strictSame(sinks(known), [], known)
  }
  t.match(readSettings({ ...good(), AUDIT_SINKS: 'file!, stdout' }, '/nowhere'), {
    AUDIT_SINKS: [
      { name: 'file', isRequired: true },
      { name: 'stdout', isRequired: false }
    ]
  })
  t.match(sinks('file!,redis'), [/^AUDIT_SINKS has redis, which needs REDIS_URL/])
  const REDIS_URL = 'redis://127.0.0.1:6379'
  t.strictSame(sinks('file!,redis', { REDIS_URL }), [])
  t.strictSame(sinks('file,redis!', { REDIS_URL }), [])
  t.match(sinks('redis!', { REDIS_URL }), [/^AUDIT_SINKS has redis without file/])
  for (const unknown of ['syslog!', 'file!!', '!', 'file!,file']) {
    t.match(sinks(unknown), [/^AUDIT_SINKS /], unknown)
  }
  t.doesNotThrow(
    () => readSomeSettings(good(), '/nowhere', ['AUDIT_REQUIRED']),
    'one without the other'
  )
  t.match(sinks('file,stdout'), [/^AUDIT_SINKS requires none, but AUDIT_REQUIRED is true/])
  t.strictSame(sinks('file,stdout', { AUDIT_REQUIRED: 'false' }), [])
})

test('who asks for some settings hears nothing of others, whatever those would need', async (t) => {
  const environ = {
    ...good(),
    AUDIT_SINKS: 'file!,redis',
    REDIS_URL: 'rediss://:x@redis.internal',
    WORKERS: '2',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '8701'
  }
  t.strictSame(faultsOf(environ), [])
  for (const name of settingNames) {
    t.doesNotThrow(() => readSomeSettings(environ, '/nowhere', [name]), name)
  }
})

test('neither callers administer by the root scope, nor administrators read secrets by theirs', async (t) => {
  for (const [SCOPE_ROOT, ADMIN_SCOPE] of [
    ['acme', 'acme'],
    ['acme', 'acme:admin'],
    ['acme:api', 'acme']
  ] as const) {
    const faults = faultsOf({ ...good(), SCOPE_ROOT, ADMIN_SCOPE })
    t.match(faults, [/^ADMIN_SCOPE and SCOPE_ROOT stand apart/], `${SCOPE_ROOT} ${ADMIN_SCOPE}`)
  }
  t.strictSame(faultsOf({ ...good(), SCOPE_ROOT: 'acme', ADMIN_SCOPE: 'acme-admin' }), [])
})

test('each faulty setting is reported at once, by its name and never by its value', async (t) => {
  const canary = createCanary()
  const environ = Object.fromEntries(
    settingNames
      .filter((name) => settingOf(name).parse !== settingOf('CONFIG_FILE').parse)
      .map((name) => [name, canary.token])
  )
  const faults = faultsOf(environ)
  for (const name of [
    'ENVIRONMENT',
    'PORT',
    'ENCRYPTION_KEYS',
    'INTERNAL_SECRET',
    'METRICS_TOKEN',
    'AUTHORIZE_SECRET',
    'TRUST_PROXY',
    'REDIS_URL',
    'REDIS_KEY_PREFIX',
    'LOG_LEVEL'
  ]) {
    t.ok(
      faults.some((fault) => fault.startsWith(`${name} `)),
      name
    )
  }
  t.same(canary.findIn(faults.join('\n')), [])
})

test('a missing, short, long, weak, default or repeated secret is refused', async (t) => {
  const key = newEncryptionKey()
  for (const [environ, expected] of [
    [{ INTERNAL_SECRET: randomSecret() }, /^ENCRYPTION_KEYS is required/],
    [{ ENCRYPTION_KEYS: key }, /^INTERNAL_SECRET is required/],
    [{ ...good(), ENCRYPTION_KEYS: key.slice(1) }, /^ENCRYPTION_KEYS must have exactly 32/],
    [{ ...good(), ENCRYPTION_KEYS: `${key}x` }, /^ENCRYPTION_KEYS must have exactly 32/],
    [
      { ...good(), ENCRYPTION_KEYS: `${key},` },
      /^ENCRYPTION_KEYS one of its secrets must have exactly 32/
    ],
    [
      { ...good(), ENCRYPTION_KEYS: `${key},${key}` },
      /^ENCRYPTION_KEYS holds the same secret twice/
    ],
    [{ ...good(), ENCRYPTION_KEYS: 'a'.repeat(32) }, /^ENCRYPTION_KEYS repeats itself/],
    [
      { ...good(), ENCRYPTION_KEYS: 'changeme-changeme-AbCdEfGhIjKlMn' },
      /^ENCRYPTION_KEYS holds a well-known/
    ],
    [{ ...good(), INTERNAL_SECRET: 'x9Z'.repeat(9) }, /^INTERNAL_SECRET must have at least 32/],
    [{ ENCRYPTION_KEYS: key, INTERNAL_SECRET: key }, /^INTERNAL_SECRET the same secret serves two/],
    [{ ...good(), METRICS_TOKEN: 'x9Z'.repeat(9) }, /^METRICS_TOKEN must have at least 32/],
    [{ ...good(), METRICS_TOKEN: 'changeme'.repeat(4) }, /^METRICS_TOKEN holds a well-known word/],
    [{ ...good(), METRICS_TOKEN: key, ENCRYPTION_KEYS: key }, /the same secret serves two/],
    [{ ...good(), AUTHORIZE_SECRET: 'x9Z'.repeat(9) }, /^AUTHORIZE_SECRET must have at least 32/],
    [{ ...good(), AUTHORIZE_SECRET: key, METRICS_TOKEN: key }, /the same secret serves two/]
  ] as const) {
    t.match(faultsOf(environ).join('\n'), expected)
  }
})

test('fresh secrets are never called weak', async (t) => {
  for (let i = 0; i < 2000; i++) {
    // The same at each run: among so many random ones a well-known word is found now and then.
    const digest = createHash('sha512').update(String(i)).digest('base64url')
    t.notOk(weaknessOf(digest.slice(0, newEncryptionKey().length)))
    t.notOk(weaknessOf(digest.slice(-randomSecret().length)))
  }
})

test('a secret comes from a file where <NAME>_FILE says, but not from two places', async (t) => {
  const key = newEncryptionKey()
  const folder = folderWith(t, { key: `${key}\n`, empty: '' })
  const { INTERNAL_SECRET = '' } = good()
  const settings = readSettings({ INTERNAL_SECRET, ENCRYPTION_KEYS_FILE: 'key' }, folder)
  t.same(settings.ENCRYPTION_KEYS, [key])
  t.match(faultsOf({ INTERNAL_SECRET, ENCRYPTION_KEYS_FILE: 'none' }, folder), [
    /names is not there/
  ])
  t.match(faultsOf({ INTERNAL_SECRET, ENCRYPTION_KEYS_FILE: 'empty' }, folder), [/is empty/])
  t.match(faultsOf({ ...good(), ENCRYPTION_KEYS_FILE: 'key' }, folder), [/given twice/])
})

test('white space and a byte order mark around the text of a file go, whichever setting it is of', async (t) => {
  const texts = { ...good(), REDIS_URL: 'redis://:pw@127.0.0.1', JWT_SECRET: randomSecret() }
  const plain = readSettings(texts, '/nowhere')
  for (const [name, text] of Object.entries(texts)) {
    for (const around of [
      ['\uFEFF', ''],
      [' \t', ' \n\n'],
      ['\uFEFF\n', '\r\n']
    ] as const) {
      const folder = folderWith(t, { text: around.join(text) })
      const { [name]: _direct, ...others } = texts as Record<string, string>
      const settings = readSettings({ ...others, [`${name}_FILE`]: 'text' }, folder)
      t.strictSame(settings, plain, `${name} ${JSON.stringify(around)}`)
    }
  }
})

test('a secret in a file that is no UTF-8 text is a fault that says so', async (t) => {
  const { INTERNAL_SECRET = '', ENCRYPTION_KEYS = '' } = good()
  const folder = t.testdir({})
  writeFileSync(join(folder, 'key'), Buffer.from(`\uFEFF${ENCRYPTION_KEYS}`, 'utf16le'))
  t.strictSame(faultsOf({ INTERNAL_SECRET, ENCRYPTION_KEYS_FILE: 'key' }, folder), [
    'ENCRYPTION_KEYS the file that ENCRYPTION_KEYS_FILE names is UTF-16: save it as UTF-8'
  ])
  writeFileSync(join(folder, '.env'), Buffer.from('\uFEFFENVIRONMENT=dev', 'utf16le'))
  t.strictSame(faultsOf(good(), folder), ['.env is UTF-16: save it as UTF-8'])
})

test('a byte order mark before .env does not cost the first setting', async (t) => {
  const folder = folderWith(t, { '.env': '\uFEFFENVIRONMENT=dev\r\nPORT=1\r\n' })
  t.match(readSettings(good(), folder), { ENVIRONMENT: 'dev', PORT: 1 })
})

test('faults of the lines of .env and of the settings are told together', async (t) => {
  const folder = folderWith(t, { '.env': 'HOST="x\nPORT=x\nINTERNAL_HOST=::1\n' })
  t.match(faultsOf({ ...good(), INTERNAL_SECRET: '' }, folder), [
    /^\.env:1 opens a quote/,
    /^PORT must be/,
    /^INTERNAL_SECRET is required/,
    /^INTERNAL_PORT .* together/
  ])
})

test('what belongs to a setting that is at fault itself is not complained about too', async (t) => {
  const faults = faultsOf({ ...good(), INTERNAL_HOST: '::1', INTERNAL_PORT: 'x' })
  t.match(faults, [/^INTERNAL_PORT must be/])
  t.equal(faults.length, 1)
})

test('ENV_FILE names the file that is read in place of .env, and has to be there', async (t) => {
  const folder = folderWith(t, { '.env': 'PORT=1\n', 'my.env': 'PORT=2\nHOST="\n' })
  t.match(faultsOf({ ...good(), ENV_FILE: 'my.env' }, folder), [/^my\.env:2 opens/])
  writeFileSync(join(folder, 'my.env'), 'PORT=2\n')
  t.match(readSettings({ ...good(), ENV_FILE: join(folder, 'my.env') }, '/nowhere'), { PORT: 2 })
  t.match(faultsOf({ ...good(), ENV_FILE: 'none.env' }, folder), [
    /^none\.env is named by ENV_FILE or --env-file and is not there/
  ])
  chmodSync(join(folder, 'my.env'), 0o640)
  t.match(faultsOf({ ...good(), ENV_FILE: 'my.env' }, folder), [/^my\.env can be read by others/])
})

test('the names that operators of other systems bring are taken, but not beside ours', async (t) => {
  const { ENCRYPTION_KEYS: key = '', INTERNAL_SECRET: secret = '' } = good()
  const theirs = { AURA_ENCRYPTION_KEY: key, GATEWAY_INTERNAL_SECRET: secret }
  t.match(readSettings(theirs, '/nowhere'), { ENCRYPTION_KEYS: [key], INTERNAL_SECRET: [secret] })
  const folder = folderWith(t, { key: `${key}\n` })
  const { AURA_ENCRYPTION_KEY, ...rest } = theirs
  t.match(readSettings({ ...rest, AURA_ENCRYPTION_KEY_FILE: 'key' }, folder), {
    ENCRYPTION_KEYS: [key]
  })
  t.strictSame(faultsOf({ ...theirs, ENCRYPTION_KEYS: newEncryptionKey() }), [
    'ENCRYPTION_KEYS is given twice, as ENCRYPTION_KEYS and as AURA_ENCRYPTION_KEY'
  ])
  t.strictSame(faultsOf({ ...theirs, INTERNAL_SECRET: secret }), [
    'INTERNAL_SECRET is given twice, as INTERNAL_SECRET and as GATEWAY_INTERNAL_SECRET'
  ])
})

test('the environment wins over .env', async (t) => {
  const folder = folderWith(t, { '.env': 'PORT=1234\nHOST=127.0.0.9\n' })
  t.match(readSettings({ ...good(), PORT: '4321' }, folder), { PORT: 4321, HOST: '127.0.0.9' })
})

test('an .env that others can read is refused in pre and pro only', async (t) => {
  const folder = folderWith(t, { '.env': 'PORT=1234\n' }, 0o644)
  for (const ENVIRONMENT of ['dev', 'stg']) t.same(faultsOf({ ...good(), ENVIRONMENT }, folder), [])
  for (const ENVIRONMENT of ['pre', 'pro']) {
    t.match(faultsOf({ ...good(), ENVIRONMENT }, folder), [/^\.env can be read by others/])
  }
})

test('settings that only make sense together are refused apart', async (t) => {
  for (const [environ, place] of [
    [{ INTERNAL_PORT: '1' }, 'INTERNAL_PORT'],
    [{ INTERNAL_HOST: '::1' }, 'INTERNAL_PORT'],
    [{ TLS_CERT_FILE: 'x' }, 'TLS_KEY_FILE'],
    [{ TLS_CLIENT_CA_FILE: 'x' }, 'TLS_CLIENT_CA_FILE'],
    [{ CORS_ALLOW_ORIGINS: '*' }, 'CORS_ALLOW_ORIGINS'],
    [{ CORS_ALLOW_ORIGINS: 'https://a.example/path' }, 'CORS_ALLOW_ORIGINS'],
    [{ TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: 'true' }, 'TRUST_PROXY'],
    [{ HOST: 'not a host' }, 'HOST']
  ] as const) {
    t.match(faultsOf({ ...good(), ...environ }).join(), place, JSON.stringify(environ))
  }
})

test('a rendered .env lists every setting, and reads back', async (t) => {
  const values = good()
  const folder = t.testdir({})
  writeFileSync(join(folder, '.env'), renderEnv('a heading', { ...values, PORT: '8701' }), {
    mode: 0o600
  })
  t.match(readSettings({}, folder), { PORT: 8701, ENCRYPTION_KEYS: [values['ENCRYPTION_KEYS']] })
  const names = renderEnv('x', {}).match(/^[A-Z_]+(?==)/gm)
  t.same(names, settingNames)
})

test('workers are counted in whole numbers, and several of them have a Redis to share', async (t) => {
  const REDIS_URL = 'redis://127.0.0.1'
  for (const WORKERS of ['0', '65', '-1', '1.5', '2e1', 'two', 'auto']) {
    const faults = faultsOf({ ...good(), REDIS_URL, WORKERS })
    t.strictSame(faults, ['WORKERS must be a whole number from 1 to 64'], WORKERS)
  }
  t.match(faultsOf({ ...good(), WORKERS: '2' }), [/^WORKERS more than 1 needs REDIS_URL/])
  t.match(
    faultsOf({ ...good(), WORKERS: '2', REDIS_URL: 'http://x' }),
    [/^REDIS_URL /],
    'what is wrong is told once'
  )
  for (const WORKERS of ['1', '2', '64']) {
    t.strictSame(faultsOf({ ...good(), WORKERS, REDIS_URL }), [], WORKERS)
  }
  t.strictSame(faultsOf({ ...good(), WORKERS: '1' }), [])
})

test('each worker has a connection for an address', async (t) => {
  const environ = { ...good(), REDIS_URL: 'redis://127.0.0.1', WORKERS: '4' }
  t.match(faultsOf({ ...environ, CONNECTIONS_PER_ADDRESS: '3' }), [/^CONNECTIONS_PER_ADDRESS /])
  t.strictSame(faultsOf({ ...environ, CONNECTIONS_PER_ADDRESS: '4' }), [])
})

test('what a command reads of the settings is not judged by those that it does not read', (t) => {
  const environ = {
    ...good(),
    WORKERS: '2',
    REDIS_URL: 'rediss://redis.example',
    REDIS_CA_FILE: 'ca.pem',
    REDIS_CERT_FILE: 'redis.pem',
    REDIS_KEY_FILE: 'redis.key',
    AUDIT_SINKS: 'file!,redis',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '8301',
    TLS_CERT_FILE: 'tls.pem',
    TLS_KEY_FILE: 'tls.key',
    TLS_CLIENT_CA_FILE: 'clients.pem'
  }
  t.strictSame(faultsOf(environ), [], 'all together they are right')
  for (const name of settingNames) {
    t.doesNotThrow(() => readSomeSettings(environ, '/nowhere', [name]), name)
    t.doesNotThrow(() => readSomeSettings(good(), '/nowhere', [name]), `${name} by default`)
  }
  t.end()
})

test("administrators' cookie goes in the clear in dev alone, and never to scripts where it is meant in earnest", async (t) => {
  const faultsIn = (ENVIRONMENT: string, more: Record<string, string>): string[] =>
    faultsOf({ ...good(), ENVIRONMENT, ...more })
  for (const environment of ['dev', 'stg', 'pre', 'pro']) {
    const clear = faultsIn(environment, { AUTH_COOKIE_SECURE: 'false' })
    t.match(clear, environment === 'dev' ? [] : [/^AUTH_COOKIE_SECURE false is for dev alone/])
    t.equal(clear.length, environment === 'dev' ? 0 : 1, environment)
    const inBody = faultsIn(environment, { RETURN_JWT_IN_BODY: 'true' })
    const isGuarded = environment === 'pre' || environment === 'pro'
    t.match(inBody, isGuarded ? [/^RETURN_JWT_IN_BODY is refused in pre and pro/] : [])
    t.equal(inBody.length, isGuarded ? 1 : 0, environment)
  }
  t.match(faultsIn('dev', { AUTH_COOKIE_SECURE: 'false', AUTH_COOKIE_SAMESITE: 'none' }), [
    /^AUTH_COOKIE_SAMESITE none needs AUTH_COOKIE_SECURE=true/
  ])
  t.match(faultsOf({ ...good(), JWT_SECRET: 'changeme-changeme-AbCdEfGhIjKlMn-0' }), [
    /^JWT_SECRET holds a well-known/
  ])
  t.match(faultsOf({ ...good(), JWT_SECRET: `${randomSecret()},short` }), [
    /^JWT_SECRET one of its secrets must have at least 32/
  ])
})

const GOOGLE = {
  JWT_SECRET: randomSecret(),
  GOOGLE_CLIENT_ID: 'purser',
  GOOGLE_CLIENT_SECRET: 'of-google',
  GOOGLE_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback'
}
const OIDC = {
  JWT_SECRET: randomSecret(),
  OIDC_ISSUER: 'https://accounts.example.com',
  OIDC_CLIENT_ID: 'purser',
  OIDC_CLIENT_SECRET: 'of-the-provider',
  OIDC_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback'
}

test('sign-in at a provider is whole or off, at one provider, and over TLS', async (t) => {
  for (const all of [GOOGLE, OIDC]) {
    t.strictSame(faultsOf({ ...good(), ...all }), [])
    for (const name of Object.keys(all)) {
      const { [name]: _, ...rest } = { ...good(), ...all } as Record<string, string>
      const [fault = '', ...others] = faultsOf(rest)
      t.match(fault, `${name} `, name)
      t.match(fault, /whole or off|is needed where/)
      t.same(others, [])
    }
  }
  t.match(faultsOf({ ...good(), ...OIDC, ...GOOGLE }), [/^OIDC_ISSUER .*take one of the two/])
  for (const [more, expected] of [
    [{ OIDC_ISSUER: 'http://accounts.example.com' }, /^OIDC_ISSUER must be an https: address/],
    [{ OIDC_ISSUER: 'http://127.0.0.1:9000' }, /^OIDC_ISSUER must be an https: address/],
    [{ OIDC_ISSUER: 'accounts.example.com' }, /^OIDC_ISSUER must be an address/],
    [{ OIDC_ISSUER: 'https://a:b@accounts.example.com' }, /^OIDC_ISSUER has no user/],
    [{ OIDC_REDIRECT_URI: 'https://purser.example/elsewhere' }, /^OIDC_REDIRECT_URI must end with/],
    [
      { OIDC_REDIRECT_URI: 'http://purser.example/v1/sessions/oidc/callback' },
      /^OIDC_REDIRECT_URI must be an https: address/
    ],
    [
      { OIDC_REDIRECT_URI: 'https://purser.example/console/api/v1/sessions/oidc/callback' },
      /^OIDC_REDIRECT_URI leads to the console, and CONSOLE_ENABLED is false/
    ]
  ] as const) {
    t.match(faultsOf({ ...good(), ...OIDC, ...more }), [expected], JSON.stringify(more))
  }
  const here = { ...OIDC, ENVIRONMENT: 'dev', OIDC_ISSUER: 'http://127.0.0.1:9000' }
  t.strictSame(faultsOf({ ...good(), ...here }), [])
})

test('Google is the same with an issuer that is known', async (t) => {
  const settings = readSettings(
    { ...good(), ...GOOGLE, GOOGLE_HOSTED_DOMAIN: 'example.com' },
    '/nowhere'
  )
  t.same(signInOf(settings), {
    issuer: 'https://accounts.google.com',
    clientId: 'purser',
    clientSecret: 'of-google',
    redirectUri: GOOGLE.GOOGLE_REDIRECT_URI,
    allowedEmails: undefined,
    hostedDomain: 'example.com'
  })
})
