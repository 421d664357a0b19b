/** Rules of policy that end: which have ended, and which end before a moment. */
import { parseUntil } from '../core/until.ts'
import type { Config } from './config.ts'

interface Ending {
  /** As a fault would name it. */
  readonly place: string
  /** As it is written. */
  readonly until: string
  readonly clients: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

const endingsIn = ({ policies }: Pick<Config, 'policies'>): Ending[] =>
  policies.flatMap(({ client, until = '' }, index) => {
    const at = parseUntil(until)
    const clients = [client].flat().join(', ')
    return at === undefined ? [] : [{ place: `policies.${index}`, until, clients, at }]
  })

const told = ({ place, until, clients }: Ending): string => `${place} (${clients}, until ${until})`

/** Those that end after one moment and at another at the latest, the next first. */
export const endsBetween = (config: Pick<Config, 'policies'>, from: number, to: number): string[] =>
  endingsIn(config)
    .filter(({ at }) => at > from && at <= to)
    .sort((a, b) => a.at - b.at)
    .map(told)

/** Those that have ended. */
export const endedBy = (config: Pick<Config, 'policies'>, now: number): string[] =>
  endsBetween(config, Number.NEGATIVE_INFINITY, now)
