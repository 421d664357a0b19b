/**
 * Real clients of other products, each doing one thing at a time, at a door and at the product itself. Rule: what a client
 * makes of an answer is told by what a program acts on and what a person reads, and nothing names the place that was asked.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

export const CASES = [
  'read',
  'list',
  'write',
  'missing',
  'forbidden',
  'expired',
  'throttled',
  'store down'
] as const
export type Case = (typeof CASES)[number]

/** Where a client asks, with which credential, and for what. */
export interface Place {
  readonly url: string
  readonly token: string
  readonly mount: string
  /** Of a secret; of a list the folder. */
  readonly path: string
  /** A token of a workload, for clients that log in with one. */
  readonly jwt: string
}

/** What a client makes of an answer. */
export interface Outcome {
  /** The class of an exception, an exit code, a status: what programs act on. `gives` where there is a value. */
  readonly kind: string
  /** The value, or what a person is told; nothing that changes from run to run. */
  readonly text: string
}

export interface DoorClient {
  /** As people call it, with its version. */
  readonly name: string
  /** True, or which peer is missing. */
  readonly available: () => Promise<true | string>
  /** Undefined: the client has no such operation. */
  readonly ask: (one: Case, place: Place) => Promise<Outcome | undefined>
  /** Why it is not the same as with the product itself. */
  readonly differences?: Readonly<Partial<Record<Case, string>>>
}

/** Where the clients of one door ask. */
export interface World {
  readonly placeOf: (one: Case) => Place
  /** To be called before a client asks for the first time in that case. */
  readonly prepare: (one: Case) => Promise<void>
}

export interface ClientsOfDoor {
  readonly door: string
  /** What they are made for, with its version. */
  readonly product: string
  readonly clients: readonly DoorClient[]
  readonly needs: () => Promise<true | string>
  readonly openDoor: (t: Test) => Promise<World>
  readonly openProduct: (t: Test) => Promise<World>
}

export const gives = (value: unknown): Outcome => ({ kind: 'gives', text: JSON.stringify(value) })

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const LONGEST_MS = 60_000

/** Runs a program to its end; one that does not end is stopped as a person would. */
export const runProgram = async (
  program: string,
  args: readonly string[],
  {
    env = {},
    input,
    folder
  }: {
    readonly env?: Readonly<Record<string, string>>
    readonly input?: string
    readonly folder?: string
  } = {}
): Promise<Ran> => {
  const child = spawn(program, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder ?? '/nonexistent', ...env },
    ...(folder !== undefined && { cwd: folder })
  })
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    texts.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    texts.err += String(chunk)
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const interrupt = setTimeout(() => child.kill('SIGINT'), LONGEST_MS)
  const kill = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS + 5_000)
  const [code] = await once(child, 'close')
  clearTimeout(interrupt)
  clearTimeout(kill)
  return { code, ...texts }
}

/** Without what differs from run to run: addresses, times, ids. */
export const plain = (text: string): string =>
  text
    .replace(/https?:\/\/[^\s"']+/g, 'URL')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)/g, 'TIME')
    .replace(/\s+/g, ' ')
    .trim()
