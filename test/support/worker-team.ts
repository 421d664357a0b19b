/** A Purser of several workers on a Redis of its own, and what its log says of them. */
import { type IncomingHttpHeaders, request } from 'node:http'
import type { Test } from 'tap'
import { createConfigured, type Running, serve } from './purser-process.ts'
import { eventually, LASTING, type RedisServer, startRedis } from './redis.ts'

export interface Team extends Running {
  readonly url: string
  readonly folder: string
  readonly redis: RedisServer
  readonly variables: Readonly<Record<string, string>>
  readonly lines: () => readonly LogLine[]
  /** The processes that serve or served, by their worker, in the order of their start. */
  readonly pids: () => ReadonlyMap<number, readonly number[]>
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly worker?: number
  readonly pid?: number
  readonly [name: string]: unknown
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

export const areGone = (pids: Iterable<number>): Promise<void> =>
  eventually(() => ![...pids].some(isAlive))

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

/** On a connection of its own, which goes to the worker whose turn it is. */
export const askAnewForText = (
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET'
): Promise<Omit<Answered, 'body'> & { readonly text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers, method, timeout: 15_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text })
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', reject).end()
  })

export const askAnew = async (...asked: Parameters<typeof askAnewForText>): Promise<Answered> => {
  const { text, ...answer } = await askAnewForText(...asked)
  return { ...answer, body: text === '' ? {} : JSON.parse(text) }
}

const linesIn = (stdout: string): LogLine[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

/** Resolves once all workers serve; they end with the test, also where it ends their supervisor. */
export const startTeam = async (
  t: Test,
  options: Parameters<typeof createConfigured>[1] = {},
  count = 2,
  env: Readonly<Record<string, string>> = {}
): Promise<Team> => {
  const redis = await startRedis(t, { args: LASTING })
  const wanted = { WORKERS: String(count), REDIS_URL: redis.url, ...options.variables }
  const { folder, variables } = createConfigured(t, { ...options, variables: wanted })
  const running = await serve(t, folder, env)
  const lines = () => linesIn(running.output.stdout)
  const pids: Team['pids'] = () => {
    const byWorker = new Map<number, number[]>()
    for (const { msg, worker = 0, pid = 0 } of lines()) {
      if (!msg.startsWith('takes its turn')) continue
      byWorker.set(worker, [...(byWorker.get(worker) ?? []), pid])
    }
    return byWorker
  }
  t.teardown(() => {
    for (const pid of [...pids().values()].flat()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  await eventually(() => pids().size === count)
  return { ...running, folder, redis, variables, lines, pids }
}
