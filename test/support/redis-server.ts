/**
 * A real redis-server that a test may kill, bring back on the same port, pause and fill. Rule: it keeps what it has on the
 * disk, so that what comes back is what went, and every process of it ends by its own handle.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Test, test } from 'tap'
import { createDirectory } from './embedded.ts'
import { isInstalled, programOf, skipWithout } from './peers.ts'
import { closedPort } from './wire.ts'

const PATIENCE_MS = 10_000

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** A client for the test itself; there is one at a time, and it does not wait for a server that is gone. */
  readonly client: () => Redis
  /** SIGKILL; resolves once the process is gone. */
  readonly kill: () => Promise<void>
  /** After a kill: the same data on the same port. Resolves once it answers. */
  readonly restart: () => Promise<void>
}

export interface RedisServerOptions {
  readonly arguments?: readonly string[]
  /** Lines of a configuration file that the process may rewrite, as a sentinel does; it runs as one then. */
  readonly sentinel?: readonly string[]
}

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
  })

export const startRedis = async (
  t: Test,
  options: RedisServerOptions = {}
): Promise<RedisServer> => {
  const program = programOf('redis')
  if (program === undefined) throw new Error('redis-server is not installed')
  const port = await closedPort()
  const directory = createDirectory(t)
  const { arguments: extra = [], sentinel } = options
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const lasting = ['--save', '', '--appendonly', 'yes']
  const file = join(directory, 'sentinel.conf')
  if (sentinel !== undefined) writeFileSync(file, sentinel.map((line) => `${line}\n`).join(''))
  const args =
    sentinel === undefined
      ? [...common, ...lasting, ...extra]
      : [file, ...common, ...extra, '--sentinel']

  const createClient = (): Redis => {
    const client = new Redis(port, '127.0.0.1', {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null
    })
    client.on('error', () => {})
    return client
  }
  let child: ChildProcess | undefined
  let client = createClient()

  const start = async (): Promise<void> => {
    const started = spawn(program, args, { stdio: 'ignore' })
    child = started
    client.disconnect()
    const patience = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      client = createClient()
      // A server that is still loading answers LOADING, not PONG.
      const pong = await client.ping().catch(() => undefined)
      if (pong === 'PONG') return
      client.disconnect()
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`)
      if (patience.aborted) throw new Error('redis-server did not answer in time')
      await sleep(10)
    }
  }
  const kill = async (): Promise<void> => {
    client.disconnect()
    child?.kill('SIGKILL')
    if (child !== undefined) await gone(child)
  }
  const onExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', onExit)
  t.teardown(async () => {
    await kill()
    process.removeListener('exit', onExit)
  })
  await start()
  return { port, url: `redis://127.0.0.1:${port}`, client: () => client, kill, restart: start }
}

/** A test that has a Redis of its own, and is skipped where there is none to be had. */
export const testWithRedis = (
  name: string,
  work: (t: Test, redis: RedisServer) => Promise<void>
): void => {
  void test(name, async (t) => {
    if (!skipWithout(t, await isInstalled('redis'))) await work(t, await startRedis(t))
  })
}
