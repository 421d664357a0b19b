/**
 * The Redis of the soak: a master with a standby, and a network of its own between it and each replica. Rule: what was
 * answered outlives a kill (it is on disk), and a failover may lose what the standby had not heard yet.
 */
import type { Test } from 'tap'
import { eventually, LASTING, type RedisServer, startRedis } from '../../test/support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'

export interface SoakRedis {
  readonly master: () => RedisServer
  /** One for each replica, all of them in front of whoever is the master. */
  readonly networks: readonly TcpProxy[]
  readonly kill: () => Promise<void>
  readonly restart: () => Promise<void>
  readonly pause: () => void
  readonly resume: () => void
  readonly fill: () => void
  readonly empty: () => void
  /** The master dies and the standby takes over; the former master comes back as its standby with `restore`. */
  readonly failOver: () => Promise<void>
  readonly restore: () => Promise<void>
}

const lineOf = (server: RedisServer, section: string, name: string): string =>
  new RegExp(`^${name}:(.*)$`, 'm').exec(server.cli('info', section))?.[1]?.trim() ?? ''

const follow = async (standby: RedisServer, master: RedisServer): Promise<void> => {
  standby.cli('replicaof', '127.0.0.1', String(master.port))
  await eventually(() => lineOf(standby, 'replication', 'master_link_status') === 'up')
}

export const startSoakRedis = async (
  t: Pick<Test, 'teardown'>,
  replicas: number
): Promise<SoakRedis> => {
  const start = () => startRedis(t, { args: [...LASTING, '--repl-diskless-sync-delay', '0'] })
  let [master, standby] = [await start(), await start()]
  await follow(standby, master)
  const networks: TcpProxy[] = []
  for (let n = 0; n < replicas; n++) networks.push(await startTcpProxy(t, () => master.port))
  const signal = (name: NodeJS.Signals): void => void process.kill(pid, name)
  let pid = 0
  // A server that is stopped would not end.
  t.teardown(() => pid !== 0 && signal('SIGCONT'))
  return {
    master: () => master,
    networks,
    kill: () => master.kill(),
    restart: () => master.start(),
    pause: () => {
      pid = Number(lineOf(master, 'server', 'process_id'))
      signal('SIGSTOP')
    },
    resume: () => {
      signal('SIGCONT')
      pid = 0
    },
    fill: () => void master.cli('config', 'set', 'maxmemory', '1'),
    empty: () => void master.cli('config', 'set', 'maxmemory', '0'),
    failOver: async () => {
      await eventually(() => lineOf(standby, 'replication', 'master_link_status') === 'up')
      await master.kill()
      standby.cli('replicaof', 'no', 'one')
      ;[master, standby] = [standby, master]
    },
    restore: async () => {
      await standby.start()
      await follow(standby, master)
    }
  }
}
