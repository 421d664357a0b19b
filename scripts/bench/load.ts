/**
 * Requests and how long their answers took: as many as possible, by autocannon, or so many a second. Rule: each
 * connection has its own part of the requests, so that no two ask the same at the same time where there are enough.
 */
import { Agent, request as ask } from 'node:http'
import autocannon from 'autocannon'
import type { BenchRequest } from './cases.ts'

export interface Pace {
  readonly connections: number
  readonly seconds: number
  /** Requests a second; undefined: as many as possible. */
  readonly rate?: number | undefined
}

export interface Answered {
  readonly perSecond: number
  /** Milliseconds. */
  readonly times: readonly number[]
}

/** Which requests one connection sends, in turn. */
const partOf = (
  asks: readonly BenchRequest[],
  connection: number,
  connections: number
): readonly BenchRequest[] =>
  asks.length < connections
    ? asks.slice(connection % asks.length, (connection % asks.length) + 1)
    : asks.filter((_, n) => n % connections === connection)

const NO_ANSWER = 0

let fresh = 0
const pathOf = ({ path, isFresh = false }: BenchRequest): string =>
  isFresh ? `${path}${fresh++}` : path

interface Tally {
  readonly add: (status: number, milliseconds: number) => void
  /** Throws if more than one answer in a hundred was another one than is measured. */
  readonly answered: () => Answered
}

const createTally = (status: number | undefined): Tally => {
  const times: number[] = []
  const others = new Map<number, number>()
  const began = performance.now()
  return {
    add: (answered, milliseconds) => {
      times.push(milliseconds)
      if (status === undefined || answered === status) return
      others.set(answered, (others.get(answered) ?? 0) + 1)
    },
    answered: () => {
      const perSecond = (times.length / (performance.now() - began)) * 1000
      const wrong = [...others.values()].reduce((sum, count) => sum + count, 0)
      if (wrong > times.length / 100 || times.length === 0) {
        const told = [...others].map(([code, count]) => `${count} × ${code}`).join(', ')
        throw new Error(`of ${times.length} answers some were not ${status}: ${told}`)
      }
      return { perSecond, times }
    }
  }
}

const forAutocannon = (asked: BenchRequest): autocannon.Request => {
  const { method = 'GET', path, headers, body, isFresh = false } = asked
  return {
    method,
    path,
    headers: { ...headers },
    ...(body !== undefined && { body }),
    ...(isFresh && { setupRequest: (request) => ({ ...request, path: pathOf(asked) }) })
  }
}

/** The library's own percentiles are whole milliseconds; a cached read takes a fraction of one. */
const asManyAsPossible = async (
  origin: string,
  asks: readonly BenchRequest[],
  { connections, seconds }: Pace,
  tally: Tally
): Promise<void> => {
  let connection = 0
  const options: autocannon.Options = {
    url: origin,
    connections,
    duration: seconds,
    // How often it looks whether the time is over.
    sampleInt: 20,
    setupClient: (client) => {
      client.setRequests(partOf(asks, connection++, connections).map(forAutocannon))
    }
  }
  const { errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(options, (error, result) => (error ? reject(error) : resolve(result))).on(
      'response',
      (_client, status, _bytes, milliseconds) => tally.add(status, milliseconds)
    )
  })
  if (errors > 0) throw new Error(`${errors} requests had no answer`)
}

const send = (origin: string, asked: BenchRequest, agent: Agent): Promise<number> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers, body } = asked
    const request = ask(origin + pathOf(asked), { method, headers, agent }, (response) => {
      response.once('end', () => resolve(response.statusCode ?? 0)).resume()
    })
    request.once('error', reject).end(body)
  })

/**
 * An open loop: requests leave when their time has come, whatever became of those before. Not by autocannon, which
 * sends what is due in a second at its beginning.
 */
const atRate = async (
  origin: string,
  asks: readonly BenchRequest[],
  { connections, seconds }: Pace,
  rate: number,
  tally: Tally
): Promise<void> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const total = Math.round(rate * seconds)
  const began = performance.now()
  const sent: Promise<void>[] = []
  const sendNext = async (): Promise<void> => {
    const asked = asks[sent.length % asks.length]
    if (asked === undefined) return
    const at = performance.now()
    const status = await send(origin, asked, agent).catch(() => NO_ANSWER)
    tally.add(status, performance.now() - at)
  }
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const due = ((performance.now() - began) * rate) / 1000
      while (sent.length < Math.min(due, total)) sent.push(sendNext())
      if (sent.length < total) return
      clearInterval(timer)
      done()
    }, 1)
  })
  await Promise.all(sent).finally(() => agent.destroy())
}

/** If `status` is given, nearly all answers must have it. */
export const load = async (
  origin: string,
  asks: readonly BenchRequest[],
  pace: Pace,
  status?: number
): Promise<Answered> => {
  const tally = createTally(status)
  if (pace.rate === undefined) await asManyAsPossible(origin, asks, pace, tally)
  else await atRate(origin, asks, pace, pace.rate, tally)
  return tally.answered()
}

/** Each once, over so many connections; says nothing of the answers. */
export const askEach = async (
  origin: string,
  asks: readonly BenchRequest[],
  connections: number
): Promise<void> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  await Promise.all(asks.map((asked) => send(origin, asked, agent))).finally(() => agent.destroy())
}
