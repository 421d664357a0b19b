/**
 * `purser policy diff`: which client gains or loses what by another file, by pattern and by what the trail says is asked
 * for; and which trust lets in or gives more or less. Rule: the functions that decide for a service decide here; nothing is connected but the trail.
 */
import { askedSecret } from '../audit/record-filter.ts'
import type { AuditRecord } from '../audit/shown-record.ts'
import { OF_FILE, readFileAs } from '../config/config.ts'
import { readSomeSettings } from '../config/env.ts'
import { ConfigError } from '../config/fault.ts'
import type { FileConfig } from '../config/file.ts'
import { type ClientDiff, diffRules } from '../core/policy-diff.ts'
import { diffTrusts, type TrustDiff } from '../keys/trust-diff.ts'
import { compilePolicy } from '../kinds/references.ts'
import { type Asked, askedIn } from './asked-for.ts'
import { askTrail } from './asked-trail.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'

export interface PolicyDiffOptions {
  readonly from?: string
  readonly since: string
  readonly failOn: 'any' | 'loss' | 'gain' | 'used'
  readonly json?: true
}

/** `last`: the time of the newest record of it. */
type Used = Asked & { times: number; readonly last: string }

interface UsedDiff {
  readonly lost: Map<string, Used>
  readonly gained: Map<string, Used>
}

const isOfOperator = ({ route = '' }: AuditRecord): boolean => route.startsWith('cli ')

type IsAllowed = (client: string, asked: Asked) => boolean

const deciderOf = ({ policies, stores }: FileConfig): IsAllowed => {
  const policy = compilePolicy(policies)
  const names = new Set(stores.map(({ name }) => name))
  return (client, { list, what }) => {
    if (list === 'bots' || list === 'channels') return policy.mayUse(client, list, what)
    const secret = askedSecret(what)
    return secret !== undefined && names.has(secret.store) && policy.isAllowed(client, list, secret)
  }
}

const count = (counted: Map<string, Used>, asked: Asked, time: string): void => {
  const key = `${asked.list} ${asked.what}`
  const known = counted.get(key)
  if (known === undefined) counted.set(key, { ...asked, times: 1, last: time })
  else known.times++
}

/** Only what changes is kept, however long the trail is. */
const usesOf = async (since: string, before: IsAllowed, after: IsAllowed) => {
  const uses = new Map<string, UsedDiff>()
  const { completeFrom } = await askTrail({ from: since }, (records) => {
    for (const record of records) {
      const { client, time } = record
      const asked = askedIn(record)
      if (client === undefined || asked === undefined || isOfOperator(record)) continue
      const had = before(client, asked)
      if (had === after(client, asked)) continue
      const used = uses.get(client) ?? { lost: new Map(), gained: new Map() }
      uses.set(client, used)
      count(used[had ? 'lost' : 'gained'], asked, time)
    }
  })
  return { uses, completeFrom }
}

interface ClientReport {
  readonly client: string
  readonly patterns: Pick<ClientDiff, 'lost' | 'gained'>
  readonly asked: { readonly lost: readonly Used[]; readonly gained: readonly Used[] }
}

const reportOf = (
  diffs: readonly ClientDiff[],
  uses: ReadonlyMap<string, UsedDiff>
): ClientReport[] => {
  const patternsOf = new Map(
    diffs.map(({ client, lost, gained }) => [client, { lost, gained }] as const)
  )
  const sorted = (used: ReadonlyMap<string, Used> | undefined): Used[] =>
    [...(used?.values() ?? [])].sort((a, b) => b.times - a.times || (a.what < b.what ? -1 : 1))
  return [...new Set([...uses.keys(), ...patternsOf.keys()])].sort().map((client) => ({
    client,
    patterns: patternsOf.get(client) ?? { lost: [], gained: [] },
    asked: { lost: sorted(uses.get(client)?.lost), gained: sorted(uses.get(client)?.gained) }
  }))
}

const describeUsed = (mark: string, verb: string, { list, what, times, last }: Used): string =>
  `  ${mark} in use: ${verb} ${list} ${what} (asked for ${times === 1 ? 'once' : `${times} times`}, last ${last})`

const describe = ({ client, patterns, asked }: ClientReport): string =>
  [
    client === '*' ? 'every other client' : client,
    ...patterns.lost.map(
      ({ list, pattern, from }) => `  - ${list} ${pattern}${from ? ` from ${from} on` : ''}`
    ),
    ...patterns.gained.map(
      ({ list, pattern, until }) => `  + ${list} ${pattern}${until ? ` until ${until}` : ''}`
    ),
    ...asked.lost.map((used) => describeUsed('-', 'loses', used)),
    ...asked.gained.map((used) => describeUsed('+', 'gains', used))
  ].join('\n')

const describeTrust = ({ trust, change, lost, gained }: TrustDiff): string =>
  [
    `trust ${trust}${change === 'changed' ? '' : `, ${change}`}`,
    ...lost.map(({ what, value }) => `  - ${what} ${value}`),
    ...gained.map(({ what, value }) => `  + ${what} ${value}`)
  ].join('\n')

const NOTHING = 'No client gains or loses anything.'

const isFailing = (
  clients: readonly ClientReport[],
  trusts: readonly TrustDiff[],
  failOn: PolicyDiffOptions['failOn']
) => {
  const hasAny = (what: 'lost' | 'gained'): boolean =>
    trusts.some((one) => one[what].length > 0) ||
    clients.some(({ patterns, asked }) => patterns[what].length + asked[what].length > 0)
  const isFound = {
    any: () => clients.length + trusts.length > 0,
    loss: () => hasAny('lost'),
    gain: () => hasAny('gained'),
    used: () => clients.some(({ asked }) => asked.lost.length > 0)
  }
  return isFound[failOn]()
}

/** What cannot be read cannot be compared, which is another exit code than a difference. */
const orCannotTell = <T>(read: () => T): T => {
  try {
    return read()
  } catch (error) {
    throw error instanceof ConfigError ? new CommandFailure(error.message, 2) : error
  }
}

export const policyDiff = async (file: string, options: PolicyDiffOptions): Promise<void> => {
  const { since, failOn, json } = options
  const [before, after] = orCannotTell(() => {
    const settings = readSomeSettings(process.env, process.cwd(), OF_FILE)
    const read = (path: string) => readFileAs(settings, process.cwd(), path)
    return [read(options.from ?? settings.CONFIG_FILE), read(file)]
  })
  const diffs = diffRules(before.policies, after.policies, Date.now())
  const { uses, completeFrom } = await usesOf(since, deciderOf(before), deciderOf(after))
  const clients = reportOf(diffs, uses)
  const trusts = diffTrusts(before.trusts, after.trusts)
  const report = { since, ...(completeFrom !== undefined && { completeFrom }), clients, trusts }
  const lines = [...clients.map(describe), ...trusts.map(describeTrust)]
  const told = lines.length > 0 ? lines.join('\n') : NOTHING
  await print(json ? JSON.stringify(report, null, 2) : told)
  if (isFailing(clients, trusts, failOn)) process.exitCode = 1
}
