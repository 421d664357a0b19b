export interface Floor {
  readonly name: string
  readonly mutate: readonly string[]
  /** Files and folders below build/test/unit, the nearest first. */
  readonly tests: readonly string[]
}

const below = (...names: readonly string[]): string[] =>
  names.map((name) => `build/test/unit/${name}`)

export const FLOORS: readonly Floor[] = [
  {
    name: 'core',
    mutate: ['src/core', 'src/secrets/decision.ts'],
    tests: below(
      'core',
      'secrets/decision.test.js',
      'secrets/content.test.js',
      'secrets/view.test.js',
      'config/json-fault.test.js',
      'config/channel.test.js',
      'config/file.test.js',
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
