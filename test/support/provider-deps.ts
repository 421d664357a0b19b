/** What a provider is given when it connects, for tests: log lines are kept, credentials come from a map. */
import { Sensitive } from '../../src/core/secret.ts'
import type { ProviderDeps } from '../../src/providers/provider.ts'

export interface RecordedDeps extends ProviderDeps {
  /** Every log line, with its fields as JSON. */
  readonly lines: readonly string[]
}

/** `credentials` answers `{ env: name }`; the embedded store passes its own state and sealer as overrides. */
export const createDeps = (
  credentials: Readonly<Record<string, string>> = {},
  overrides: Partial<ProviderDeps> = {}
): RecordedDeps => {
  const lines: string[] = []
  return {
    store: 'tested',
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    now: Date.now,
    credential: async (credential) => {
      const text = 'env' in credential ? credentials[credential.env] : undefined
      if (text === undefined) throw new Error('the test gave no such credential')
      return new Sensitive(text)
    },
    get state(): never {
      throw new Error('this provider has no business with the state')
    },
    sealer: () => {
      throw new Error('this provider has no business with the sealer')
    },
    ...overrides,
    lines
  }
}
