/** What is mutated, and by which tests it is to be noticed. Rule: unit tests alone, those that know the code by its name first. */
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
  { name: 'keys', mutate: ['src/keys'], tests: below('keys') },
  { name: 'audit', mutate: ['src/audit'], tests: below('audit') }
]
