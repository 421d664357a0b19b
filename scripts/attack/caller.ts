/** A caller who behaves, from another loopback address: a small secret ten times a second, every other time anew. */
import { type Agent, Agent as HttpAgent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'

const ADDRESS = '127.0.0.3'
const EVERY_MS = 100
const PATIENCE_MS = 10_000

export interface Seen {
  readonly times: number[]
  /** What was not answered 200, by what happened instead. */
  readonly failures: Map<string, number>
}

export interface Calling {
  readonly seen: Seen
  readonly stop: () => Promise<void>
}

export const startCalling = (port: number, isTls: boolean, key: string): Calling => {
  const seen: Seen = { times: [], failures: new Map() }
  const kept: Agent = isTls
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true })
  const request = isTls ? requestHttps : requestHttp
  let calls = 0

  const call = (): Promise<void> =>
    new Promise((resolve) => {
      const begun = performance.now()
      const settle = (what: string): void => {
        if (what === '200') seen.times.push(performance.now() - begun)
        else seen.failures.set(what, (seen.failures.get(what) ?? 0) + 1)
        resolve()
      }
      const options = {
        host: '127.0.0.1',
        port,
        localAddress: ADDRESS,
        path: '/v1/secrets/small',
        headers: { authorization: `Bearer ${key}` },
        agent: calls++ % 2 === 0 ? kept : false,
        rejectUnauthorized: false,
        timeout: PATIENCE_MS
      } as const
      const sent = request(options, (response) => {
        response.resume().once('end', () => settle(String(response.statusCode)))
      })
      sent.once('timeout', () => sent.destroy(new Error('timeout')))
      sent.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
      sent.end()
    })

  let isStopped = false
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const next = new Promise((resolve) => setTimeout(resolve, EVERY_MS))
      await call()
      await next
    }
    kept.destroy()
  }
  const running = run()
  return {
    seen,
    stop: async () => {
      isStopped = true
      await running
    }
  }
}
