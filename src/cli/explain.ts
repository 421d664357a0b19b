/**
 * `purser explain`: why a client may or may not read a reference, from the configuration alone. Rule: nothing is
 * connected, so no store is asked and no value can be shown; what only a running service knows is left out.
 */
import { readConfig } from '../config/config.ts'
import { isClientName } from '../core/policy.ts'
import { compilePolicy } from '../kinds/references.ts'
import { type Explanation, explain } from '../secrets/explain.ts'
import type { Store, StoreSpec } from '../secrets/stores.ts'
import { usageFailure } from './failure.ts'
import { print } from './io.ts'

const unconnected = async (): Promise<never> => {
  throw new Error('an explanation asks no store')
}

const toStore = (spec: StoreSpec): Store => {
  const state = (): never => {
    throw new Error('what is not connected has no state')
  }
  return {
    spec,
    origin: { store: spec.name, place: '' },
    timeoutMs: 0,
    guard: { state },
    logins: { state: () => undefined, forget: () => {} },
    read: unconnected,
    check: unconnected,
    close: async () => {}
  }
}

const MARKS = { passes: 'yes', refuses: 'NO ', open: ' - ' } as const

const describe = ({ client, reference, allowed, checks, delegations = [] }: Explanation): string =>
  [
    ...checks.map(
      ({ check, verdict, detail }) => `${MARKS[verdict]}  ${check.padEnd(10)} ${detail}`
    ),
    `${client} may ${allowed ? '' : 'not '}read ${reference ?? 'this'}`,
    ...delegations.map(
      ({ clients, scopes, modes, maxDays }) =>
        `its keys may issue keys of ${scopes.join(', ')} (${modes.join(', ')}) to ${clients.join(', ')}${maxDays === undefined ? '' : `, for up to ${maxDays}d`}`
    )
  ].join('\n')

export interface ExplainOptions {
  readonly client: string
  readonly json?: true
}

export const explainTo = async (text: string, { client, json }: ExplainOptions): Promise<void> => {
  if (!isClientName(client)) {
    throw usageFailure('A client has up to 64 letters, digits, dots, _ and hyphens.')
  }
  const {
    settings,
    stores: specs,
    policies,
    book,
    delegations
  } = readConfig(process.env, process.cwd())
  const stores = new Map(specs.map((spec) => [spec.name, toStore(spec)]))
  const rules = {
    policy: compilePolicy(policies),
    book,
    stores: {
      get: (name: string) => stores.get(name),
      all: () => [...stores.values()],
      close: async () => {}
    }
  }
  const scope = `${settings.SCOPE_ROOT}:secrets`
  const explanation = explain({ rules, scope, delegations }, { who: { client }, wanted: { text } })
  await print(json ? JSON.stringify(explanation, null, 2) : describe(explanation))
  if (!explanation.allowed) process.exitCode = 1
}
