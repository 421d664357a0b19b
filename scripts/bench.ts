/**
 * How fast an authenticated, policy-checked, audited, cached read is beside a bare Fastify route that answers the same
 * body, and one that sends the same headers too, in one run. Rounds alternate, so that a noisy machine is noisy to all;
 * medians are shown. With a folder, in which another version of Purser is built, that one is measured beside this one. The
 * processor time of a request is the steadiest of the figures: what the client takes is not in it.
 *
 * `npm run bench [-- <folder>]`
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import type { Ready } from './measured-service.ts'

const ROUNDS = 7
const SECONDS = 2
const CONNECTIONS = 16

interface Server {
  readonly name: string
  readonly child: ChildProcess
  readonly ready: Ready
}

interface Round {
  readonly requestsPerSecond: number
  /** Microseconds of processor time, of all threads. */
  readonly processor: number
  /** Milliseconds, for one caller alone. */
  readonly p50: number
  readonly p99: number
}

const PROGRAM = fileURLToPath(new URL('./bench-server.js', import.meta.url))

const start = async (name: string, args: string[], program = PROGRAM): Promise<Server> => {
  const child = fork(program, args)
  const [ready] = (await once(child, 'message')) as [Ready]
  return { name, child, ready }
}

const processorTime = async ({ child }: Server): Promise<number> => {
  child.send('processor time')
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  return user + system
}

/** The library's own percentiles are whole milliseconds; a cached read takes a fraction of one. */
const load = async (
  { url, headers }: Ready,
  duration: number,
  connections: number
): Promise<{ requests: number; perSecond: number; times: number[] }> => {
  const times: number[] = []
  const options = { url, headers, connections, duration }
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(options, (error, result) => (error ? reject(error) : resolve(result))).on(
      'response',
      (_client, _status, _bytes, milliseconds) => times.push(milliseconds)
    )
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${result.non2xx} answers were not 200, ${result.errors} were none`)
  }
  times.sort((a, b) => a - b)
  return { requests: result.requests.total, perSecond: result.requests.average, times }
}

const percentile = (times: readonly number[], share: number): number =>
  times[Math.floor(times.length * share)] ?? 0

const measure = async (server: Server): Promise<Round> => {
  const before = await processorTime(server)
  const { requests, perSecond } = await load(server.ready, SECONDS, CONNECTIONS)
  const processor = ((await processorTime(server)) - before) / requests
  const { times } = await load(server.ready, 1, 1)
  return {
    requestsPerSecond: perSecond,
    processor,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99)
  }
}

const median = (numbers: number[]): number =>
  numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0

/** Headers that differ from answer to answer are sent as they came once: what counts is to send them. */
const sent = (answer: Response): string => {
  const own = new Set(['connection', 'content-length', 'date', 'keep-alive'])
  return JSON.stringify(Object.fromEntries([...answer.headers].filter(([name]) => !own.has(name))))
}

const purser = await start('GET /v1/secrets: authenticated, audited, cached', ['purser'])
const answer = await fetch(purser.ready.url, { headers: purser.ready.headers })
const body = await answer.text()
const servers = [
  await start('bare Fastify route, the same body', ['bare', body]),
  await start('bare Fastify route, the same body and headers', ['bare', body, sent(answer)]),
  purser
]
const [other] = process.argv.slice(2)
if (other !== undefined) {
  const program = join(resolve(other), 'build/scripts/bench-server.js')
  servers.push(await start(`the same of ${other}`, ['purser'], program))
}
try {
  const rounds = servers.map((): Round[] => [])
  for (const { ready } of servers) await load(ready, SECONDS, CONNECTIONS)
  for (let i = 0; i < ROUNDS; i++) {
    for (const [at, server] of servers.entries()) rounds[at]?.push(await measure(server))
  }
  const ratio = (at: number, figure: 'requestsPerSecond' | 'processor'): string => {
    const ratios = rounds[at]?.map((r, i) => r[figure] / (rounds[0]?.[i]?.[figure] ?? 1)) ?? []
    return median(ratios).toFixed(2)
  }
  console.log(
    `Node ${process.version}, ${cpus().length} cores, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, medians; p50 and p99 for one caller alone\n`
  )
  console.log(
    '| route | requests/s | ratio | processor µs/request | ratio | p50 ms | p99 ms |\n|---|---:|---:|---:|---:|---:|---:|'
  )
  for (const [at, { name }] of servers.entries()) {
    const figure = (of: keyof Round, digits: number): string =>
      median(rounds[at]?.map((round) => round[of]) ?? []).toFixed(digits)
    const cells = [
      name,
      figure('requestsPerSecond', 0),
      ratio(at, 'requestsPerSecond'),
      figure('processor', 1),
      ratio(at, 'processor'),
      figure('p50', 2),
      figure('p99', 2)
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
} finally {
  for (const { child } of servers) child.kill('SIGTERM')
}
