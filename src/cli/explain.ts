/**
 * `purser explain`: why a client, or whoever logs in by a trust, may or may not read a reference, from the configuration
 * alone. Rule: nothing is connected, so no store is asked and no value can be shown; what only a running service knows is
 * left out.
 */
import { type Config, readConfig } from '../config/config.ts'
import { whyUnread } from '../config/fault.ts'
import { textOfFile } from '../core/file-text.ts'
import { asJson, isObject } from '../core/json.ts'
import { isClientName } from '../core/policy.ts'
import type { Claims } from '../crypto/workload-token.ts'
import { readFileBytes } from '../files/read.ts'
import { compilePolicy } from '../kinds/references.ts'
import { type ExplainRequest, type Explanation, explain } from '../secrets/explain.ts'
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
  readonly client?: string
  readonly trust?: string
  readonly claims?: string
  readonly json?: true
}

const claimsIn = async (file: string): Promise<Claims> => {
  let text: string
  try {
    text = textOfFile(await readFileBytes(file))
  } catch (error) {
    throw usageFailure(`The file of --claims ${whyUnread(error)}.`)
  }
  const claims = asJson(text)
  if (!isObject(claims)) throw usageFailure('The file of --claims is no JSON object.')
  return claims
}

const whoOf = async (
  { client, trust: name, claims: file }: ExplainOptions,
  { trusts }: Config
): Promise<ExplainRequest['who']> => {
  if ((client === undefined) === (name === undefined)) {
    throw usageFailure('Give one of --client and --trust.')
  }
  if (client !== undefined) {
    if (file !== undefined) throw usageFailure('--claims goes with --trust.')
    if (isClientName(client)) return { client }
    throw usageFailure('A client has up to 64 letters, digits, dots, _ and hyphens.')
  }
  const trust = trusts.find((one) => one.name === name)
  if (trust === undefined) throw usageFailure('`trusts:` of purser.yaml has none of that name.')
  return { trust, claims: file === undefined ? undefined : await claimsIn(file) }
}

export const explainTo = async (text: string, options: ExplainOptions): Promise<void> => {
  const config = readConfig(process.env, process.cwd())
  const who = await whoOf(options, config)
  const { settings, stores: specs, policies, book, delegations } = config
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
  const explanation = explain({ rules, scope, delegations }, { who, wanted: { text } })
  await print(options.json ? JSON.stringify(explanation, null, 2) : describe(explanation))
  if (!explanation.allowed) process.exitCode = 1
}
