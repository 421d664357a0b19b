/** What is mutated, and by which tests it is to be noticed. Rule: unit tests, those that know the code by its name first. */
export interface Floor {
  readonly name: string
  readonly mutate: readonly string[]
  readonly without?: readonly string[]
  /** Files and folders below build/test/unit, the nearest first. */
  readonly tests: readonly string[]
}

const below = (...names: readonly string[]): string[] =>
  names.map((name) => `build/test/unit/${name}`)

const POLICY = [
  ...[
    'policy.ts',
    'policy-pattern.ts',
    'policy-diff.ts',
    'glob.ts',
    'scope.ts',
    'until.ts',
    'network.ts'
  ].map((name) => `src/core/${name}`),
  'src/secrets/decision.ts'
]

const SIGN_IN = [
  'administrators.ts',
  ...['session.ts', 'sessions.ts', 'sign-in.ts', 'sign-in-codes.ts', 'oidc.ts', 'oidc-fetch.ts'],
  ...['login.ts', 'trust.ts', 'trial.ts', 'issuer-fetch.ts', 'issuer-keys.ts', 'token-review.ts']
].map((name) => `src/keys/${name}`)

/** How a trail that was written is checked, and what of it goes when. */
const KEPT = [
  ...['anchors.ts', 'complete-from.ts', 'file-check.ts', 'findings.ts', 'links.ts', 'purged.ts'],
  ...['purger.ts', 'retention.ts', 'segment-check.ts', 'segments.ts', 'verify.ts']
].map((name) => `src/audit/${name}`)
/** How it is read, searched and handed on. */
const READ = [
  ...['access.ts', 'ecs.ts', 'follow.ts', 'ocsf.ts', 'queries.ts', 'read-back.ts'],
  ...['read-lines.ts', 'record.ts', 'record-filter.ts', 'search.ts', 'shown-record.ts']
].map((name) => `src/audit/${name}`)
const IN_REDIS = [
  ...[
    'asked.ts',
    'redis-bounds.ts',
    'redis-entry.ts',
    'redis-read.ts',
    'redis-sink.ts',
    'redis-trail.ts'
  ]
].map((name) => `src/audit/${name}`)

export const FLOORS: readonly Floor[] = [
  {
    name: 'policy',
    mutate: POLICY,
    tests: below(
      ...['policy', 'policy-diff', 'glob', 'scope', 'until', 'network', 'network-edges'].map(
        (name) => `core/${name}.test.js`
      ),
      'secrets/decision.test.js',
      'secrets/listing.test.js',
      'secrets/writing.test.js',
      'secrets/broker.test.js',
      'keys/networks.test.js'
    )
  },
  {
    name: 'core',
    mutate: ['src/core'],
    without: POLICY,
    tests: below(
      'core',
      'secrets/content.test.js',
      'secrets/view.test.js',
      'config/json-fault.test.js',
      'config/channel.test.js',
      'http/problems.test.js',
      'integrations/bot-form.test.js',
      'kinds/fault-of.test.js'
    )
  },
  {
    name: 'crypto',
    mutate: ['src/crypto'],
    tests: below('crypto', 'audit/chain.test.js', 'keys/api-key.test.js', 'events/events.test.js')
  },
  { name: 'keys', mutate: ['src/keys'], without: SIGN_IN, tests: below('keys') },
  { name: 'sign-in', mutate: SIGN_IN, tests: below('keys') },
  {
    name: 'audit',
    mutate: ['src/audit'],
    without: [...KEPT, ...READ, ...IN_REDIS],
    tests: below('audit')
  },
  { name: 'audit-read', mutate: READ, tests: below('audit') },
  { name: 'audit-kept', mutate: KEPT, tests: below('audit', 'state/leftovers.test.js') },
  {
    name: 'audit-redis',
    mutate: IN_REDIS,
    // What a fake of Redis would not notice a real one does.
    tests: [
      ...below(
        ...['asked', 'redis-bounds', 'redis-entry', 'redis-read', 'redis-sink', 'redis-trail'].map(
          (name) => `audit/${name}.test.js`
        )
      ),
      'build/test/integration/redis-audit.test.js'
    ]
  }
]
