/**
 * How fast an authenticated, policy-checked, audited, cached read is beside a bare Fastify route that answers the same
 * bytes, in one run. Rounds alternate, so that a noisy machine is noisy to both; medians are shown.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import type { Ready } from './bench-server.ts'

const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 16

interface Round {
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
}

const start = async (...args: string[]): Promise<{ child: ChildProcess; ready: Ready }> => {
  const child = fork(fileURLToPath(new URL('./bench-server.js', import.meta.url)), args)
  const [ready] = (await once(child, 'message')) as [Ready]
  return { child, ready }
}

// The library's own percentiles are whole milliseconds; a cached read takes a fraction of one.
const load = async ({ url, headers }: Ready, seconds: number): Promise<Round> => {
  const times: number[] = []
  const options = { url, headers, connections: CONNECTIONS, duration: seconds }
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(options, (error, result) => (error ? reject(error) : resolve(result))).on(
      'response',
      (_client, _status, _bytes, milliseconds) => times.push(milliseconds)
    )
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 200`)
  times.sort((a, b) => a - b)
  const percentile = (share: number): number => times[Math.floor(times.length * share)] ?? 0
  return { requestsPerSecond: result.requests.average, p50: percentile(0.5), p99: percentile(0.99) }
}

const median = (numbers: number[]): number =>
  numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0

const summarize = (rounds: Round[]): Round => ({
  requestsPerSecond: median(rounds.map((r) => r.requestsPerSecond)),
  p50: median(rounds.map((r) => r.p50)),
  p99: median(rounds.map((r) => r.p99))
})

const row = (name: string, { requestsPerSecond, p50, p99 }: Round, ratio: number): string =>
  `| ${name.padEnd(46)} | ${requestsPerSecond.toFixed(0).padStart(10)} | ${p50.toFixed(2).padStart(6)} | ${p99.toFixed(2).padStart(6)} | ${ratio.toFixed(2).padStart(5)} |`

const purser = await start('purser')
const answer = await fetch(purser.ready.url, { headers: purser.ready.headers })
const bare = await start('bare', await answer.text())
try {
  const rounds: { purser: Round[]; bare: Round[] } = { purser: [], bare: [] }
  for (const { ready } of [purser, bare]) await load(ready, 2)
  for (let i = 0; i < ROUNDS; i++) {
    rounds.bare.push(await load(bare.ready, SECONDS))
    rounds.purser.push(await load(purser.ready, SECONDS))
  }
  const ratios = rounds.purser.map(
    (r, i) => r.requestsPerSecond / (rounds.bare[i]?.requestsPerSecond ?? 1)
  )
  console.log(
    `Node ${process.version}, ${cpus().length} cores, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, medians\n`
  )
  console.log(`| ${'route'.padEnd(46)} | requests/s | p50 ms | p99 ms | ratio |`)
  console.log(`|${'-'.repeat(48)}|-----------:|-------:|-------:|------:|`)
  console.log(row('bare Fastify route, the same bytes', summarize(rounds.bare), 1))
  console.log(
    row('GET /v1/secrets: authenticated, audited, cached', summarize(rounds.purser), median(ratios))
  )
} finally {
  for (const { child } of [purser, bare]) child.kill('SIGTERM')
}
