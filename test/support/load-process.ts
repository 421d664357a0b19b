/** The process behind load.ts: takes a plan, sends its requests, hands back what became of each, and ends. */
import { Agent, get } from 'node:http'
import type { LoadPlan, Sample } from './load.ts'

/** A request that has no answer by then has none. */
const PATIENCE_MS = 10_000
const TICK_MS = 2

type Headers = NonNullable<LoadPlan['headers']>

// The server closes a connection that was idle for 5 s: the client does so before, so that they do not meet.
const agent = new Agent({
  keepAlive: true,
  maxSockets: 2_048,
  maxFreeSockets: 2_048,
  timeout: 3_000
})

/** Milliseconds since the epoch, never set back. */
const clock = (): number => performance.timeOrigin + performance.now()

const ask = (url: string, headers: Headers, index: number, at: number): Promise<Sample> =>
  new Promise((resolve) => {
    const lateMs = clock() - at
    const settle = (status: number, note: string): void =>
      resolve({ at, ms: clock() - at, lateMs, status, note, index })
    const request = get(url, { agent, headers }, (response) => {
      const { statusCode = 0, headers } = response
      response.on('error', ({ message }) => settle(0, message))
      response.once('end', () => settle(statusCode, `${headers['x-cache'] ?? ''}`)).resume()
    })
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error('no answer')))
    request.once('error', ({ message }) => settle(0, message))
  })

const run = async ({ urls, headers = {}, perSecond, seconds }: LoadPlan): Promise<Sample[]> => {
  const total = Math.round(perSecond * seconds)
  const started = clock()
  const asked: Promise<Sample>[] = []
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const elapsed = clock() - started
      const due = Math.min(total, Math.floor((elapsed * perSecond) / 1000) + 1)
      while (asked.length < due) {
        const index = asked.length % urls.length
        const at = started + (asked.length * 1000) / perSecond
        asked.push(ask(urls[index] ?? '', headers, index, at))
      }
      if (asked.length < total) return
      clearInterval(timer)
      done()
    }, TICK_MS)
  })
  return Promise.all(asked)
}

process.once('message', async (plan: LoadPlan) => {
  const samples = await run(plan)
  process.send?.(samples, () => process.exit(0))
})
