/**
 * Real Redis servers for tests: one, a cluster, a master with a replica and sentinels, each of which can be killed and
 * started again on its port. Rule: on 127.0.0.1, nothing on disk outlives the test, ended by their own handles.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { parseRedisUrl, type RedisAddress } from '../../src/state/redis-url.ts'
import { createDirectory } from './embedded.ts'
import { isInstalled, programOf, skipWithout } from './peers.ts'
import { closedPort } from './wire.ts'

const PATIENCE_MS = 60_000

/** Tries until it is so. */
export const eventually = async (
  isSo: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS
): Promise<void> => {
  const until = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error('it did not become so in time')
    await sleep(10)
  }
}

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly address: RedisAddress
  /** Runs redis-cli on it; what it prints, without the newline at its end. */
  readonly cli: (...args: string[]) => string
  /** A client for the test itself: one at a time, which does not wait for a server that is gone. */
  readonly client: () => Redis
  /** As a crash would: SIGKILL. */
  readonly kill: () => Promise<void>
  /** Again, on the same port, with what is on its disk. */
  readonly start: () => Promise<void>
}

export interface RedisStart {
  readonly args?: readonly string[]
  /** Lines of a configuration file, where the server wants to have one that it can rewrite. */
  readonly config?: string
  readonly password?: string
  /** How redis-cli reaches it, beside host and port. */
  readonly cliArgs?: readonly string[]
  readonly port?: number
}

/** Skips the test where there is no redis-server; says whether it did. */
export const skipWithoutRedis = async (t: Test): Promise<boolean> =>
  skipWithout(t, await isInstalled('redis'))

export const startRedis = async (
  t: Pick<Test, 'teardown'>,
  options: RedisStart = {}
): Promise<RedisServer> => {
  const { args = [], config, password, cliArgs = [] } = options
  const program = programOf('redis')
  if (program === undefined) throw new Error('redis-server is not installed')
  const port = options.port ?? (await closedPort())
  const directory = createDirectory(t)
  const file = join(directory, 'redis.conf')
  writeFileSync(file, config ?? '')
  let child: ChildProcess | undefined
  let exited = Promise.resolve()
  let client: Redis | undefined

  const cli = (...command: string[]): string => {
    const auth = password === undefined ? [] : ['-a', password, '--no-auth-warning']
    const asked = ['-h', '127.0.0.1', '-p', String(port), ...auth, ...cliArgs, ...command]
    return spawnSync('redis-cli', asked, { encoding: 'utf8', timeout: 10_000 }).stdout.trim()
  }
  const start = async (): Promise<void> => {
    const own = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', directory]
    const secret = password === undefined ? [] : ['--requirepass', password]
    const started = spawn(program, [file, ...own, ...secret, ...args], { stdio: 'ignore' })
    exited = new Promise((resolve) => started.once('exit', () => resolve()))
    child = started
    await eventually(() => {
      if (started.exitCode !== null) throw new Error(`redis-server ended: ${started.exitCode}`)
      return cli('ping') === 'PONG'
    })
    forget()
  }
  const connect = (): Redis => {
    const retryStrategy = () => null
    const options = { password, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy }
    return new Redis(port, '127.0.0.1', options).on('error', () => {})
  }
  const forget = (): void => {
    client?.disconnect()
    client = undefined
  }
  const kill = async (): Promise<void> => {
    forget()
    child?.kill('SIGKILL')
    await exited
  }
  const onExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', onExit)
  t.teardown(async () => {
    process.removeListener('exit', onExit)
    await kill()
  })
  await start()
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const url = `redis://${user}127.0.0.1:${port}`
  return {
    port,
    url,
    address: parseRedisUrl(url),
    cli,
    client: () => {
      client ??= connect()
      return client
    },
    kill,
    start
  }
}

export interface RedisGroup {
  readonly url: string
  readonly address: RedisAddress
  readonly servers: readonly RedisServer[]
}

/**
 * What is written outlives a kill: it is with the kernel before it is answered. As Redis has it by default, a disk that is
 * busy with the second's fsync puts that off.
 */
export const LASTING = ['--appendonly', 'yes', '--appendfsync', 'no']

const isFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })

/** The bus of a cluster listens 10,000 above: below what connections are given, both are free but for other tests. */
const clusterPort = async (): Promise<number> => {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 9_000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
}

/** Three masters that share the slots. */
export const startCluster = async (t: Test): Promise<RedisGroup> => {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const servers: RedisServer[] = []
  for (let n = 0; n < 3; n++) {
    servers.push(await startRedis(t, { args, port: await clusterPort() }))
  }
  const [first] = servers
  const all = servers.map(({ port }) => `127.0.0.1:${port}`)
  first?.cli('--cluster', 'create', ...all, '--cluster-yes')
  await eventually(() =>
    servers.every(({ cli }) => cli('cluster', 'info').includes('cluster_state:ok'))
  )
  const url = `redis+cluster://${all.join(',')}`
  return { url, address: parseRedisUrl(url), servers }
}

export interface SentinelGroup extends RedisGroup {
  /** Which port is the master's, as the sentinels say. */
  readonly masterPort: () => number
}

/** A master, a replica and three sentinels that fail over after 500 ms of silence. */
export const startSentinels = async (t: Test): Promise<SentinelGroup> => {
  const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
  const replica = await startRedis(t, {
    args: ['--replicaof', '127.0.0.1', String(master.port)]
  })
  const config = `sentinel monitor main 127.0.0.1 ${master.port} 2
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
`
  const sentinels: RedisServer[] = []
  for (let n = 0; n < 3; n++) {
    sentinels.push(await startRedis(t, { config, args: ['--sentinel'] }))
  }
  const [first] = sentinels
  const masterPort = (): number =>
    Number(first?.cli('sentinel', 'get-master-addr-by-name', 'main').split('\n')[1])
  await eventually(() =>
    sentinels.every(({ cli }) => {
      const lines = cli('sentinel', 'master', 'main').split('\n')
      const lineAfter = (name: string): string => lines[lines.indexOf(name) + 1] ?? ''
      return lineAfter('num-other-sentinels') === '2' && lineAfter('num-slaves') === '1'
    })
  )
  await eventually(() => replica.cli('info', 'replication').includes('master_link_status:up'))
  const url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`
  return { url, address: parseRedisUrl(url), servers: [master, replica], masterPort }
}
