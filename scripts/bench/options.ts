/** The options of `npm run bench`. */
import { parseArgs } from 'node:util'

export const HELP = `npm run bench -- [options]

  --against <folder>      another version, checked out and built there, beside this one
  --case <text>           only the cases whose names have the text; may be given several times
  --connections <list>    how many connections send requests at once, such as 1,16,64 (16)
  --rate <n>              a fixed number of requests a second, instead of as many as possible
  --rounds <n>            how many rounds, starts or events each server gets (7)
  --seconds <n>           how long a round is (2)

  --memory                what is resident: under reads, and for idle connections and event streams
  --memory-seconds <n>    how long secrets are read for that (20)

  --guard                 fails if a read lost more than 15 % against a bare Fastify route since that was recorded
  --record                records it, in scripts/bench/recorded.json
`

export interface Options {
  readonly isHelp: boolean
  readonly against: string | undefined
  /** Parts of names. */
  readonly cases: readonly string[]
  readonly connections: readonly number[]
  /** Requests a second; undefined: as many as possible. */
  readonly rate: number | undefined
  readonly rounds: number
  readonly seconds: number
  readonly isMemory: boolean
  readonly memorySeconds: number
  readonly isGuard: boolean
  readonly isRecord: boolean
}

const positive = (name: string, text: string): number => {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number) || number <= 0) {
    throw new Error(`--${name}: "${text}" is no number above 0`)
  }
  return number
}

const whole = (name: string, text: string): number => {
  const number = positive(name, text)
  if (!Number.isInteger(number)) throw new Error(`--${name}: "${text}" is no whole number`)
  return number
}

/** Throws an Error that says what cannot be used. */
export const parseOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      against: { type: 'string' },
      case: { type: 'string', multiple: true, default: [''] },
      connections: { type: 'string', default: '16' },
      rate: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '2' },
      memory: { type: 'boolean', default: false },
      'memory-seconds': { type: 'string', default: '20' },
      guard: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  return {
    isHelp: values.help,
    against: values.against,
    cases: values.case,
    connections: values.connections.split(',').map((text) => whole('connections', text)),
    rate: values.rate === undefined ? undefined : positive('rate', values.rate),
    rounds: whole('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    isMemory: values.memory,
    memorySeconds: positive('memory-seconds', values['memory-seconds']),
    isGuard: values.guard,
    isRecord: values.record
  }
}
