/** What a provider is given when it connects, for tests: log lines are kept, credentials come from a map. */
import { createHash } from 'node:crypto'
import { Sensitive } from '../../src/core/secret.ts'
import type { ProviderDeps } from '../../src/kinds/provider.ts'
import { createLoginMemory, type LoginMemoryOptions } from '../../src/kinds/shared/login-memory.ts'
import { straight } from '../../src/kinds/shared/proxy.ts'

/** A memory of one process's logins. */
export const createLogins = (overrides: Partial<LoginMemoryOptions> = {}) =>
  createLoginMemory({
    store: 'tested',
    place: 'here',
    shared: undefined,
    fingerprint: (words) => createHash('sha256').update(JSON.stringify(words)).digest('base64url'),
    sealer: () => {
      throw new Error('nothing is shared')
    },
    log: () => {},
    now: Date.now,
    ...overrides
  })

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
  const log: ProviderDeps['log'] = (level, message, fields) =>
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const { now = Date.now } = overrides
  return {
    store: 'tested',
    log,
    now,
    logins: createLogins({ log, now }),
    route: straight,
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
