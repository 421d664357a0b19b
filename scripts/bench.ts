/**
 * Measures what each shape of a read costs, beside bare Fastify routes with the same body, one of them with the same
 * headers too; with `--against` also beside another build. Rounds alternate between servers, so that a noisy machine is
 * noisy for all; ratios are taken within a round, and medians are shown. The processor time of a request, of all
 * threads of the server, is the steadiest figure, since the client's time is not in it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { type BenchRequest, CASES, type Case } from './bench-cases.ts'
import { HERE, type Ready } from './measured-service.ts'

const HELP = `npm run bench -- [options]

  --against <folder>    another version, checked out and built there, beside this one
  --case <text>         only the cases whose names have the text; may be given several times
  --connections <n>     how many connections send requests at once (16)
  --rate <n>            a fixed number of requests a second, instead of as many as possible
  --rounds <n>          how many rounds each server gets (7)
  --seconds <n>         how long a round is (2)
`

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    case: { type: 'string', multiple: true, default: [''] },
    connections: { type: 'string', default: '16' },
    rate: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h' }
  }
})
const connections = Number(values.connections)
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const rate = values.rate === undefined ? undefined : Number(values.rate)

interface Server {
  readonly name: string
  readonly child: ChildProcess
  readonly ready: Ready
}

interface Used {
  /** Microseconds of processor time, of all threads. */
  readonly processor: number
  /** Bytes. */
  readonly rss: number
}

interface Round {
  readonly requestsPerSecond: number
  /** Microseconds of processor time for one request. */
  readonly processor: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** MB. */
  readonly rss: number
}

const PROGRAM = fileURLToPath(new URL('./bench-server.js', import.meta.url))

const start = async (name: string, ...args: string[]): Promise<Server> => {
  const child = fork(PROGRAM, args)
  const [ready] = (await once(child, 'message')) as [Ready]
  return { name, child, ready }
}

const usedBy = async ({ child }: Server): Promise<Used> => {
  child.send('used')
  const [{ user, system, rss }] = (await once(child, 'message')) as [
    NodeJS.CpuUsage & { rss: number }
  ]
  return { processor: user + system, rss }
}

/**
 * If `status` is given, nearly all answers must have it. The library's own percentiles are whole milliseconds; a cached
 * read takes a fraction of one.
 */
const load = async (
  { ready }: Server,
  asks: readonly BenchRequest[],
  status?: number
): Promise<{ requests: number; perSecond: number; times: number[] }> => {
  const times: number[] = []
  let others = 0
  const options: autocannon.Options = {
    url: ready.origin,
    requests: asks.map((asked) => ({ ...asked, headers: { ...asked.headers } })),
    connections,
    duration: seconds,
    ...(rate !== undefined && { overallRate: rate })
  }
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(options, (error, result) => (error ? reject(error) : resolve(result))).on(
      'response',
      (_client, answered, _bytes, milliseconds) => {
        times.push(milliseconds)
        if (answered !== status && status !== undefined) others++
      }
    )
  })
  if (others > times.length / 100 || result.errors > 0) {
    throw new Error(`${others} answers were not ${status}, ${result.errors} were none`)
  }
  times.sort((a, b) => a - b)
  return { requests: times.length, perSecond: result.requests.average, times }
}

const percentile = (times: readonly number[], share: number): number =>
  times[Math.floor(times.length * share)] ?? 0

const measure = async (
  server: Server,
  asks: readonly BenchRequest[],
  status: number
): Promise<Round> => {
  const before = await usedBy(server)
  const { requests, perSecond, times } = await load(server, asks, status)
  const after = await usedBy(server)
  return {
    requestsPerSecond: perSecond,
    processor: (after.processor - before.processor) / requests,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    rss: after.rss / 1e6
  }
}

const median = (numbers: number[]): number =>
  numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0

/** Headers that differ from answer to answer are sent as they came in one: their cost is what counts. */
const sent = (answer: Response): string => {
  const own = new Set(['connection', 'content-length', 'date', 'keep-alive'])
  return JSON.stringify(Object.fromEntries([...answer.headers].filter(([name]) => !own.has(name))))
}

const serversFor = async ({ name, settings = {}, asks }: Case): Promise<Server[]> => {
  const options = JSON.stringify(settings)
  const purser = await start(name, 'purser', HERE, options)
  const other =
    values.against === undefined
      ? []
      : [await start(`${name}, ${values.against}`, 'purser', values.against, options)]
  if (name !== CASES[0]?.name) return [purser, ...other]
  const [asked] = asks(purser.ready)
  const answer = await fetch(purser.ready.origin + asked?.path, { headers: { ...asked?.headers } })
  const body = await answer.text()
  return [
    await start('bare Fastify route, the same body', 'bare', body),
    await start('bare Fastify route, the same body and headers', 'bare', body, sent(answer)),
    purser,
    ...other
  ]
}

const showRow = (name: string, all: readonly Round[], first: readonly Round[]): void => {
  const figure = (of: keyof Round, digits: number): string =>
    median(all.map((round) => round[of])).toFixed(digits)
  const ratio = (of: keyof Round): string =>
    median(all.map((round, i) => round[of] / (first[i]?.[of] ?? 1))).toFixed(2)
  const cells = [
    name,
    figure('requestsPerSecond', 0),
    ratio('requestsPerSecond'),
    figure('processor', 1),
    ratio('processor'),
    figure('p50', 2),
    figure('p99', 2),
    figure('rss', 0)
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

const run = async (one: Case): Promise<void> => {
  const servers = await serversFor(one)
  try {
    const asksOf = ({ ready }: Server): readonly BenchRequest[] =>
      one.asks(ready.keys.length > 0 ? ready : (servers.at(-1)?.ready ?? ready))
    for (const server of servers) await load(server, asksOf(server))
    const rows = servers.map((): Round[] => [])
    for (let i = 0; i < rounds; i++) {
      for (const [at, server] of servers.entries()) {
        rows[at]?.push(await measure(server, asksOf(server), one.status))
      }
    }
    for (const [at, { name }] of servers.entries()) showRow(name, rows[at] ?? [], rows[0] ?? [])
  } finally {
    for (const { child } of servers) child.kill('SIGTERM')
  }
}

if (values.help) {
  process.stdout.write(HELP)
} else {
  const chosen = CASES.filter(({ name }) => values.case.some((text) => name.includes(text)))
  const pace = rate === undefined ? '' : `, ${rate} requests/s`
  console.log(
    `Node ${process.version}, ${cpus().length} cores, ${connections} connections${pace}, ${rounds} rounds of ${seconds} s each, medians; ratios to the first row of the case\n`
  )
  console.log(
    '| case | requests/s | ratio | processor µs/request | ratio | p50 ms | p99 ms | RSS MB |\n|---|---:|---:|---:|---:|---:|---:|---:|'
  )
  for (const one of chosen) await run(one)
}
