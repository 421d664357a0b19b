/** Installations that are bad in one way each: which check finds it, how grave it is, and that no other check does. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { thisMachine } from '../../../src/cli/machine.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { CHECKS } from '../../../src/doctor/checks.ts'
import type { Peers } from '../../../src/doctor/peers.ts'
import type { KeyUse } from '../../../src/keys/usage.ts'
import type { RedisLook } from '../../../src/state/redis-look.ts'
import { createCertificate } from '../../support/certificate.ts'
import { type Bad, examineBad, NOW, notOk, sentences, untoldIn } from '../../support/doctor.ts'
import { randomSecret } from '../../support/keys.ts'

interface Case extends Bad {
  readonly name: string
  /** `<id> <status>` of all checks that are not ok. */
  readonly found: readonly string[]
  /** The ids of those that cannot look; absent: all can. */
  readonly untold?: readonly string[]
  readonly says: RegExp
}

const KEPT = [
  'encryption-keys-whole',
  'encryption-keys-used',
  'api-keys-end',
  'api-keys-renewed',
  'api-keys-bound'
]
/** What cannot be looked at without a whole configuration. */
const UNREAD = [
  'rate-limits',
  'log',
  'policies',
  'policy-ends',
  'stores-trusted',
  'secret-files',
  'doors-ports',
  'doors-targets',
  'stores-reachable',
  'stores-clock',
  'stores-rights',
  'trusts-keys',
  'trusts-review',
  'trusts-clients',
  'state-readable',
  ...KEPT,
  'audit-required'
]

const { git } = thisMachine()
const SAME = newEncryptionKey()
const PASSWORD = randomSecret()
const DAY_MS = 86_400_000

const look = (
  changes: Partial<RedisLook> = {},
  info: Record<string, string> = {}
): Partial<Peers> => {
  const good = {
    redis_version: '8.2.1',
    role: 'master',
    aof_enabled: '1',
    aof_last_write_status: 'ok',
    rdb_last_bgsave_status: 'ok',
    maxmemory: '1000000',
    used_memory: '1000',
    maxmemory_policy: 'noeviction'
  }
  return {
    redis: async () => ({
      failure: undefined,
      infos: [new Map(Object.entries({ ...good, ...info }))],
      denied: [],
      mayAdminister: false,
      isOpenToAll: false,
      skewMs: 3,
      ...changes
    }),
    kept: async () => undefined
  }
}

const onRedis = {
  env: { REDIS_URL: `rediss://purser:${PASSWORD}@redis.internal` },
  peers: look()
}

const repository = (folder: string, ...commands: readonly (readonly string[])[]): void => {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false']
  const run = (args: readonly string[]) =>
    execFileSync('git', [...who, ...args], { cwd: folder, stdio: 'ignore' })
  run(['init', '-q'])
  for (const command of commands) run(command)
}

const certificates = (folder: string, cert: string, key: string): void => {
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
}
const JWK = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid: 'one'
}
const TLS = { TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' }

const boundTo = (...networks: string[]): KeyUse => ({
  keyId: '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10',
  client: 'shop',
  scopes: ['aura-services:secrets'],
  mode: 'r',
  environment: 'pro',
  kid: 'k',
  expiresAt: new Date(NOW + 90 * DAY_MS).toISOString(),
  networks,
  firstSeen: new Date(NOW).toISOString(),
  lastUsed: new Date(NOW).toISOString()
})
const keptWith = (...uses: KeyUse[]): Partial<Peers> => ({
  kept: async () => ({ encryptionKeys: [], faults: [], anchors: [], uses })
})

const NAMED = 'stores: [{ name: local, kind: local }]\nsecrets: { db: "local:shop/db" }\n'
const DOOR = 'doors: [{ dialect: vault, port: 8201, mounts: { secret: "local:shop/" } }]\n'
const FOR_SHOP = 'policies: [{ client: shop, read: ["local:shop/*"] }]\n'
/** In /proc/net/tcp: the ports as hexadecimal digits. */
const listening = (...ports: string[]) => ({
  texts: { '/proc/net/tcp': ports.map((port) => `0: 0100007F:${port} 0:0 0A 0 0\n`).join('') }
})

const CASES: readonly Case[] = [
  {
    name: 'the port of a door is taken',
    yaml: `${NAMED}${FOR_SHOP}${DOOR}`,
    machine: listening('2009'),
    found: ['stores-trusted warn', 'doors-ports fail'],
    says: /port 8201 of the door vault is taken by another program/
  },
  {
    name: 'a door was added, and the service not restarted',
    yaml: `${NAMED}${FOR_SHOP}${DOOR}`,
    machine: listening('21FC'),
    found: ['stores-trusted warn', 'doors-ports warn'],
    says: /does not listen at port 8201 of the door vault: .* restart it/
  },
  {
    name: 'a door leads to what nobody may read',
    yaml: `${NAMED}${FOR_SHOP.replace('shop/', 'other/')}${DOOR}`,
    found: ['stores-trusted warn', 'doors-targets warn'],
    says: /the door vault, secret leads to local:shop\/, of which no policy gives anybody anything/
  },
  {
    name: 'a door leads to names, of which there are none',
    yaml: 'stores: []\ndoors: [{ dialect: aws, port: 4566, store: "secrets:" }]\n',
    found: ['doors-targets warn'],
    says: /the door aws leads to the names of `secrets:`, of which there are none/
  },
  {
    name: 'whoever logs in by a trust is nobody in the policy',
    prepare: (folder) => {
      const file = join(folder, 'jwks.json')
      writeFileSync(file, JSON.stringify({ keys: [JWK] }))
      writeFileSync(
        join(folder, 'purser.yaml'),
        `stores: []
trusts:
  - name: prod-cluster
    kind: kubernetes
    issuer: https://oidc.example
    audience: purser
    jwks: { file: ${file} }
    bind: { namespace: shop, serviceAccount: cart }
    grant: { client: shop, scopes: ["aura-services:secrets"] }
`
      )
    },
    found: ['trusts-clients warn'],
    says: /the trust prod-cluster: no policy is for its client shop/
  },
  {
    name: 'a key in use is bound to a network, and no proxy is listed',
    peers: keptWith(boundTo('127.0.0.0/8')),
    found: ['api-keys-bound warn'],
    says: /1 API keys in use are bound to networks \(shop\), .* list it in TRUST_PROXY/
  },
  {
    name: 'a secret is missing',
    env: { INTERNAL_SECRET: '' },
    found: ['secrets-strong fail'],
    untold: UNREAD,
    says: /INTERNAL_SECRET: is required/
  },
  {
    name: 'a secret is a default',
    env: { INTERNAL_SECRET: 'changeme-changeme-changeme-changeme' },
    found: ['secrets-strong fail'],
    untold: UNREAD,
    says: /INTERNAL_SECRET: holds a well-known word/
  },
  {
    name: 'a secret repeats itself',
    env: { ENCRYPTION_KEYS: 'k7Qz'.repeat(8) },
    found: ['secrets-strong fail'],
    untold: UNREAD,
    says: /ENCRYPTION_KEYS: repeats itself/
  },
  {
    name: 'a secret is short',
    env: { ENCRYPTION_KEYS: 'k7Qz' },
    found: ['secrets-strong fail'],
    untold: UNREAD,
    says: /ENCRYPTION_KEYS: must have exactly 32/
  },
  {
    name: 'a secret is a row of letters with some others around it',
    env: { INTERNAL_SECRET: 'zq9-KLMNOPQRSTUV-fghijklm-x7-Qd2' },
    found: ['secrets-strong fail'],
    says: /INTERNAL_SECRET holds a long run/
  },
  {
    name: 'a secret has little variety',
    env: { INTERNAL_SECRET: 'aabaacaadaaeaafaagaahaaiaajaakaa' },
    found: ['secrets-strong fail'],
    says: /INTERNAL_SECRET has too little variety/
  },
  {
    name: 'one secret serves two settings',
    env: { ENCRYPTION_KEYS: SAME, INTERNAL_SECRET: SAME },
    found: ['secrets-different fail'],
    untold: UNREAD,
    says: /the same secret serves two settings/
  },
  {
    name: 'the password of Redis is the internal secret',
    ...onRedis,
    env: { ...onRedis.env, INTERNAL_SECRET: PASSWORD },
    found: ['secrets-different fail'],
    says: /INTERNAL_SECRET and REDIS_URL/
  },
  {
    name: 'the password of Redis is short',
    ...onRedis,
    env: { REDIS_URL: 'rediss://purser:k7QzT0pV@redis.internal' },
    found: ['secrets-strong fail'],
    says: /shorter than 16 characters/
  },
  {
    name: 'the encryption key is older than a year',
    prepare: (folder) => utimesSync(join(folder, '.env'), 0, NOW / 1000 - 500 * 86_400),
    found: ['encryption-key-age warn'],
    says: /at least 500 days old: rotate it/
  },
  {
    name: 'others can read .env',
    prepare: (folder) => chmodSync(join(folder, '.env'), 0o644),
    found: ['env-file-mode fail'],
    says: /\.env: can be read by others than its owner: chmod 600/
  },
  {
    name: '.env lies below a served folder',
    env: { CONFIG_FILE: 'purser.yaml' },
    prepare: (folder) => {
      mkdirSync(join(folder, 'public'))
      renameSync(join(folder, '.env'), join(folder, 'public', '.env'))
    },
    environ: { ENV_FILE: 'public/.env' },
    found: ['env-file-place fail'],
    says: /lies below a folder called public/
  },
  {
    name: 'git tracks .env',
    machine: { git },
    prepare: (folder) => repository(folder, ['add', '-f', '.env']),
    found: ['env-file-place warn', 'secrets-untracked fail'],
    says: /\.env is tracked by git/
  },
  {
    name: '.env was committed once',
    machine: { git },
    prepare: (folder) =>
      repository(
        folder,
        ['add', '-f', '.env'],
        ['commit', '-qm', 'all'],
        ['rm', '-q', '--cached', '.env'],
        ['commit', '-qm', 'less']
      ),
    found: ['env-file-place warn', 'secrets-untracked fail'],
    says: /\.env was committed once/
  },
  {
    name: 'the next commit may take .env in',
    machine: { git },
    prepare: (folder) => repository(folder),
    found: ['env-file-place warn', 'secrets-untracked warn'],
    says: /\.env is not ignored by git/
  },
  {
    name: 'git cannot be asked',
    prepare: (folder) => repository(folder),
    found: ['env-file-place warn'],
    untold: ['secrets-untracked'],
    says: /cannot be told: whether git tracks \.env/
  },
  {
    name: 'everybody can change the file of a secret',
    env: { INTERNAL_SECRET: '', INTERNAL_SECRET_FILE: 'secret' },
    prepare: (folder) => {
      writeFileSync(join(folder, 'secret'), randomSecret())
      chmodSync(join(folder, 'secret'), 0o666)
      chmodSync(folder, 0o755)
    },
    found: ['secret-files fail'],
    says: /INTERNAL_SECRET_FILE: the file can be changed by everybody/
  },
  {
    name: 'the listener is open to the network without TLS',
    env: { HOST: '0.0.0.0' },
    found: ['bind fail', 'internal-listener warn'],
    says: /HOST is open to the network without TLS/
  },
  {
    name: 'a door is open to the network without TLS',
    yaml: `${NAMED}doors: [{ dialect: aws, port: 4566, host: 0.0.0.0, store: "secrets:" }]\n`,
    found: ['stores-trusted warn', 'bind fail'],
    says: /a door is open to the network without TLS: aws/
  },
  {
    name: 'every address is taken for a proxy',
    env: { TRUST_PROXY: '0.0.0.0/0' },
    found: ['trusted-proxies fail'],
    untold: UNREAD,
    says: /TRUST_PROXY: must not trust every address/
  },
  {
    name: 'a whole network is taken for proxies',
    env: { TRUST_PROXY: '10.1.0.0/16' },
    found: ['trusted-proxies warn'],
    says: /TRUST_PROXY believes whoever is in 10\.1\.0\.0\/16/
  },
  {
    name: 'pages of every origin may call',
    env: { CORS_ALLOW_ORIGINS: '*' },
    found: ['cors fail'],
    says: /CORS_ALLOW_ORIGINS: \* is refused/
  },
  {
    name: "Node's inspector is open to the network",
    machine: { texts: { '/proc/net/tcp': '0: 00000000:240D 00000000:0000 0A 0 0\n' } },
    found: ['open-ports fail'],
    says: /port 9229/
  },
  {
    name: 'a Redis of this machine is open to the network, by IPv6',
    machine: {
      texts: {
        '/proc/net/tcp6': `0: ${'0'.repeat(32)}:18EB ${'0'.repeat(32)}:0000 0A 0 0\n`,
        '/proc/net/tcp': '0: 0100007F:240D 00000000:0000 0A 0 0\n'
      }
    },
    found: ['open-ports fail'],
    says: /port 6379 \(Redis\)/
  },
  {
    name: 'databases and the store of files beside it are open to the network',
    // 5432, 6333, 9000, and 27017 on this machine alone.
    machine: {
      texts: {
        '/proc/net/tcp': ['00000000:1538', '00000000:18BD', '0A00000A:2328', '0100007F:6989']
          .map((local) => `0: ${local} 00000000:0000 0A 0 0\n`)
          .join('')
      }
    },
    found: ['open-ports fail'],
    says: /^(?!.*27017).*port 5432 \(PostgreSQL\).*port 6333 \(Qdrant\).*port 9000 \(MinIO\)/s
  },
  {
    name: 'a port of its own is where others have a sensitive one',
    env: { HOST: '0.0.0.0', PORT: '9000' },
    machine: { texts: { '/proc/net/tcp': '0: 00000000:2328 00000000:0000 0A 0 0\n' } },
    found: ['bind fail', 'internal-listener warn'],
    says: /HOST is open to the network without TLS/
  },
  {
    name: 'the key is of another certificate',
    now: Date.now(),
    env: TLS,
    prepare: (folder) =>
      certificates(folder, createCertificate('a').cert, createCertificate('a').key),
    found: ['tls-key fail', 'certificates-end warn'],
    untold: [...UNREAD.slice(0, 8), 'tls-chain', ...UNREAD.slice(8)],
    says: /TLS_KEY_FILE: the file does not hold the key of TLS_CERT_FILE/
  },
  {
    name: 'nobody can verify the certificate',
    env: TLS,
    now: Date.now(),
    prepare: (folder) => {
      const { cert, key } = createCertificate('a')
      certificates(folder, cert, key)
    },
    found: ['tls-chain fail', 'certificates-end warn'],
    says: /signed by itself.*\n.*ends in [01] days/
  },
  {
    name: 'the chain does not lead on',
    env: TLS,
    now: Date.now(),
    prepare: (folder) => {
      const { cert, key } = createCertificate('a')
      certificates(folder, cert + createCertificate('b').cert, key)
    },
    found: ['tls-chain fail', 'certificates-end warn'],
    says: /certificate 1 was not issued by the one behind it/
  },
  {
    name: 'a certificate has ended',
    env: { ...TLS },
    now: Date.now() + 3 * DAY_MS,
    prepare: (folder) => {
      const { cert, key } = createCertificate('a')
      certificates(folder, cert, key)
    },
    found: ['tls-chain fail', 'certificates-end fail'],
    says: /TLS_CERT_FILE: a certificate ended on/
  },
  {
    name: 'Redis has no password',
    ...onRedis,
    env: { REDIS_URL: 'rediss://redis.internal' },
    found: ['redis-password fail'],
    says: /REDIS_URL has no password/
  },
  {
    name: 'Redis answers without the password, too',
    ...onRedis,
    peers: look({ isOpenToAll: true }),
    found: ['redis-password fail'],
    says: /Redis answers without a password too/
  },
  {
    name: 'the password of Redis travels in the clear',
    ...onRedis,
    env: { REDIS_URL: `redis://purser:${PASSWORD}@redis.internal` },
    found: ['redis-encrypted warn'],
    says: /REDIS_URL is without TLS/
  },
  {
    name: "Redis' user lacks rights",
    ...onRedis,
    peers: look({ denied: ['scan', 'subscribe'] }),
    found: ['redis-rights fail'],
    says: /lacks rights: \+scan \+subscribe/
  },
  {
    name: 'Redis keeps nothing',
    ...onRedis,
    peers: look({}, { aof_enabled: '0' }),
    found: ['redis-persistence fail'],
    says: /set appendonly yes/
  },
  {
    name: 'Redis forgets when it is full',
    ...onRedis,
    peers: look({}, { maxmemory_policy: 'allkeys-lru' }),
    found: ['redis-eviction fail'],
    says: /set maxmemory-policy noeviction/
  },
  {
    name: 'Redis is too old',
    ...onRedis,
    peers: look({}, { redis_version: '6.0.16' }),
    found: ['redis-version fail'],
    says: /older than 6\.2/
  },
  {
    name: 'REDIS_URL leads to a replica',
    ...onRedis,
    peers: look({}, { role: 'slave' }),
    found: ['redis-version fail'],
    says: /leads to a replica/
  },
  {
    name: 'the clock of Redis is another',
    ...onRedis,
    peers: look({ skewMs: -90_000 }),
    found: ['redis-clock fail'],
    says: /Redis differ by 90 s/
  },
  {
    name: 'everybody can change DATA_DIR',
    prepare: (folder) => chmodSync(join(folder, 'data'), 0o777),
    found: ['data-dir-mode fail'],
    says: /DATA_DIR can be changed by others/
  },
  {
    name: 'the state is damaged',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data', 'state'), { mode: 0o700 })
      writeFileSync(join(folder, 'data', 'state', 'data.mdb'), 'not a database', { mode: 0o600 })
    },
    found: ['state-readable fail'],
    untold: KEPT,
    says: /the state cannot be read/
  },
  {
    name: 'the state may not be looked at, besides a silent log',
    env: { LOG_LEVEL: 'silent' },
    // As a folder that is closed to this user, which root never meets.
    prepare: (folder) => symlinkSync('state', join(folder, 'data', 'state')),
    found: ['log warn'],
    untold: ['state-readable', ...KEPT],
    says: /cannot be told: the state belongs to another user/
  },
  {
    name: 'the audit trail has no folder',
    prepare: (folder) => writeFileSync(join(folder, 'data', 'audit'), ''),
    found: ['audit-folder fail'],
    says: /a file stands where the folder of the audit trail is to be/
  },
  {
    name: 'the audit trail is sealed to nobody',
    env: { AUDIT_AUDITOR_KEY_FILE: '' },
    found: ['audit-auditor warn'],
    says: /make a pair with `purser audit key new`/
  },
  {
    name: 'secrets may leave unrecorded',
    env: { AUDIT_REQUIRED: 'false' },
    found: ['audit-required warn'],
    says: /AUDIT_REQUIRED=false in pro/
  },
  {
    name: 'purser.yaml is wrong',
    yaml: 'stores: []\npolicy: []\n',
    found: ['configuration fail'],
    untold: UNREAD,
    says: /purser\.yaml:2:9: /
  },
  {
    name: 'rules end within a month',
    env: { ENVIRONMENT: 'dev' },
    yaml: `stores: [{ name: v, kind: local }]
policies:
  - { client: late, read: ["v:a"], until: 2026-12-29 }
  - { client: soon, read: ["v:a"], until: 2026-12-01T00:00:00Z }
  - { client: much-later, read: ["v:a"], until: 2027-06-30 }
`,
    found: ['policy-ends warn', 'stores-trusted warn'],
    says: /policies\.1 \(soon, .*policies\.0 \(late, until 2026-12-29\): set/
  },
  {
    name: 'a rule has ended',
    env: { ENVIRONMENT: 'dev' },
    yaml: 'stores: [{ name: v, kind: local }]\npolicies: [{ client: a, read: ["v:a"], until: 2026-11-29 }]\n',
    found: ['configuration warn', 'stores-trusted warn'],
    says: /policies\.0 \(a, until 2026-11-29\)/
  },
  {
    name: 'a rule is for every client',
    yaml: 'stores: [{ name: v, kind: local }]\npolicies: [{ client: "*", read: ["v:a/*"] }]\n',
    found: ['policies warn', 'stores-trusted warn'],
    says: /1 policies give secrets to client "\*"/
  },
  {
    name: 'nothing is limited',
    env: { RATE_LIMIT_ENABLED: 'false' },
    found: ['rate-limits warn'],
    says: /RATE_LIMIT_ENABLED=false in pro/
  },
  {
    name: 'administrators may change the configuration over HTTP',
    env: { ALLOW_ADMIN_WRITE: 'true' },
    found: ['admin-write warn'],
    says: /ALLOW_ADMIN_WRITE=true lets an administrator reach every secret/
  },
  {
    name: "administrators' cookies travel in the clear",
    env: { ENVIRONMENT: 'dev', AUTH_COOKIE_SECURE: 'false', RETURN_JWT_IN_BODY: 'true' },
    found: ['sessions warn'],
    says: /AUTH_COOKIE_SECURE=false.*\n.*RETURN_JWT_IN_BODY=true/
  },
  {
    name: "other sites may use administrators' cookies",
    env: { AUTH_COOKIE_SAMESITE: 'none' },
    found: ['sessions fail'],
    says: /AUTH_COOKIE_SAMESITE=none lets other sites use it/
  },
  {
    name: 'whoever signs in is nobody here',
    env: {
      JWT_SECRET: randomSecret(),
      GOOGLE_CLIENT_ID: 'purser',
      GOOGLE_CLIENT_SECRET: 'of-google',
      GOOGLE_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback'
    },
    found: ['sign-in warn'],
    says: /sign-in is configured, and `administrators:` of purser.yaml lists nobody/
  },
  {
    name: 'somebody may sign in who is nobody here',
    env: {
      JWT_SECRET: randomSecret(),
      GOOGLE_CLIENT_ID: 'purser',
      GOOGLE_CLIENT_SECRET: 'of-google',
      GOOGLE_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback',
      GOOGLE_ALLOWED_EMAILS: 'ana@example.com, leo@example.com'
    },
    yaml: 'stores: [{ name: v, kind: local }]\npolicies: []\nadministrators: [{ email: ana@example.com, client: a, mode: r }]\n',
    found: ['sign-in warn', 'stores-trusted warn'],
    says: /an address may sign in that `administrators:` of purser.yaml does not list/
  },
  {
    name: 'somebody is listed, and nobody can sign in',
    yaml: 'stores: [{ name: v, kind: local }]\npolicies: []\nadministrators: [{ email: ana@example.com, client: a, mode: r }]\n',
    found: ['sign-in warn', 'stores-trusted warn'],
    says: /lists somebody, and OIDC_\* or GOOGLE_\* are not set/
  },
  {
    name: 'records are kept for ever',
    env: { RETENTION_PURGE_ENABLED: 'false' },
    found: ['retention warn'],
    says: /RETENTION_PURGE_ENABLED=false keeps who read what/
  },
  {
    name: 'the log tells each request',
    env: { LOG_LEVEL: 'trace' },
    found: ['log warn'],
    says: /set it to info/
  },
  {
    name: 'the log tells nothing',
    env: { LOG_LEVEL: 'silent' },
    found: ['log warn'],
    says: /LOG_LEVEL=silent in pro: nobody hears/
  },
  {
    name: 'the disk is full',
    machine: { space: () => ({ freeBytes: 5 * 1024 ** 2, freeFiles: undefined }) },
    found: ['disk-space fail'],
    says: /DATA_DIR has 5 MiB left/
  },
  {
    name: 'a crash leaves a core dump',
    machine: {
      texts: { '/proc/self/limits': 'Max core file size  unlimited\nMax open files  65536\n' }
    },
    found: ['core-dumps fail'],
    says: /core dump: set ulimit -c 0/
  },
  {
    name: 'memory is swapped',
    machine: { texts: { '/proc/swaps': 'Filename\n/dev/sda2 partition 8388604 0 -2\n' } },
    found: ['swap warn'],
    says: /swap is on/
  },
  {
    name: 'a debugger may look in, by NODE_OPTIONS',
    machine: { variables: { NODE_OPTIONS: '--inspect=0.0.0.0:9229' } },
    found: ['inspector fail'],
    says: /--inspect lets a debugger/
  },
  {
    name: 'a debugger may look in, by a signal',
    machine: { hearsUsr1: false },
    found: ['inspector fail'],
    says: /SIGUSR1/
  },
  {
    name: 'the verification of TLS is off',
    machine: { variables: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    found: ['node-environment fail'],
    says: /NODE_TLS_REJECT_UNAUTHORIZED switches/
  },
  {
    name: 'Node is too old',
    machine: { nodeVersion: '18.20.4' },
    found: ['node-version fail'],
    says: /Node 18\.20\.4 is too old/
  },
  {
    name: 'Node gets no fixes any more',
    machine: { nodeVersion: '20.20.2' },
    found: ['node-version warn'],
    says: /no security fixes since 2026-04-30/
  },
  {
    name: 'the service has the rights of root',
    machine: { uid: 0 },
    found: ['process-user warn'],
    says: /runs as root/
  },
  {
    name: 'the service may do what it need not',
    machine: { texts: { '/proc/self/status': 'CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\n' } },
    found: ['process-user warn'],
    says: /has capabilities that it does not need/
  },
  {
    name: 'a program could gain rights in the container',
    machine: {
      isContainer: true,
      texts: { '/proc/self/status': 'CapEff:\t0000000000000000\nNoNewPrivs:\t0\n' }
    },
    found: ['process-user warn'],
    says: /set no-new-privileges/
  },
  {
    name: 'the service may change its own program',
    machine: { mayChangeProgram: true },
    found: ['program-files warn'],
    says: /may change the program that it runs/
  },
  {
    name: 'the service that runs is degraded',
    machine: {
      ask: async () => ({
        status: 200,
        text: '{"status":"degraded","reason":"redis_full","reasons":["redis_full","store_denied"]}'
      })
    },
    found: ['service-ready warn'],
    says: /is degraded \(redis_full, store_denied\)/
  },
  {
    name: 'the service that runs cannot answer',
    machine: { ask: async () => ({ status: 503, text: '{"code":"audit_unavailable"}' }) },
    found: ['service-ready fail'],
    says: /cannot answer \(audit_unavailable\)/
  },
  {
    name: 'somebody else listens at the port',
    machine: { ask: async () => ({ status: 200, text: '{"status":"ok then","reason":"A b"}' }) },
    found: ['service-ready warn'],
    says: /something else than this service listens at PORT/
  },
  {
    name: 'few connections may be open',
    machine: { texts: { '/proc/self/limits': 'Max core file size  0\nMax open files  1024\n' } },
    found: ['descriptors warn'],
    says: /only 1024 files and connections/
  }
]

test('A good installation passes every check', async (t) => {
  const examined = await examineBad(t)
  t.strictSame(notOk(examined), [], sentences(examined))
})

test('Keys that are bound to networks are well where the proxy is listed, or none can stand before', async (t) => {
  const peers = keptWith(boundTo('10.1.0.0/16'))
  const listed = await examineBad(t, { env: { TRUST_PROXY: '127.0.0.1' }, peers })
  t.strictSame(notOk(listed), [], sentences(listed))
  const { cert, key } = createCertificate('a')
  const direct = await examineBad(t, {
    env: { HOST: '0.0.0.0', ...TLS },
    prepare: (folder) => certificates(folder, cert, key),
    peers
  })
  t.notOk(
    notOk(direct).some((one) => one.startsWith('api-keys-bound')),
    sentences(direct)
  )
})

test('A good installation on Redis passes every check', async (t) => {
  const examined = await examineBad(t, onRedis)
  t.strictSame(notOk(examined), [], sentences(examined))
})

/** Those that ask somebody; each has its bad ones in test/integration/doctor/. */
const ELSEWHERE = [
  'redis-reachable',
  'stores-reachable',
  'stores-clock',
  'stores-rights',
  'trusts-keys',
  'trusts-review',
  'encryption-keys-whole',
  'encryption-keys-used',
  'api-keys-end',
  'api-keys-renewed',
  'audit-verified'
]

test('each check has an installation that is bad in its way', async (t) => {
  const seen = new Set(CASES.flatMap(({ found }) => found.map((one) => one.split(' ')[0] ?? '')))
  const unseen = CHECKS.map(({ id }) => id).filter((id) => !seen.has(id))
  t.strictSame(unseen, ELSEWHERE)
})

test('There are at least thirty bad installations', async (t) => {
  t.ok(CASES.length >= 30)
  t.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length)
})

for (const { name, found, untold = [], says, ...bad } of CASES) {
  test(`${name}: ${found[0]}`, async (t) => {
    const examined = await examineBad(t, bad)
    t.strictSame(notOk(examined), found, sentences(examined))
    t.strictSame(untoldIn(examined), untold)
    t.match(sentences(examined), says)
  })
}

test('What fails in pro is a warning in dev that says so', async (t) => {
  const dev = async (bad: Bad) => {
    const examined = await examineBad(t, { ...bad, env: { ENVIRONMENT: 'dev', ...bad.env } })
    return { found: notOk(examined), said: sentences(examined) }
  }
  const open = await dev({ prepare: (folder) => chmodSync(join(folder, '.env'), 0o644) })
  t.strictSame(open.found, ['env-file-mode warn'])
  t.match(open.said, /^would fail in pro: \.env: can be read by others/)
  const all = await dev({ env: { CORS_ALLOW_ORIGINS: '*' } })
  t.strictSame(all.found, ['cors warn'])
  t.match(all.said, /^would fail in pro: CORS_ALLOW_ORIGINS: \* is refused/)
  const wide = await dev({ env: { HOST: '0.0.0.0' } })
  t.strictSame(wide.found, ['bind warn', 'internal-listener warn'])
  t.match(wide.said, /^would fail in pro: HOST is open/)
  const weak = await dev({ env: { INTERNAL_SECRET: '' } })
  t.strictSame(
    weak.found,
    ['secrets-strong fail'],
    'what no environment takes fails in all of them'
  )
})
