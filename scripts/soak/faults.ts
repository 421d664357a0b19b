/** What goes wrong in the soak, as a table: each fault begins, holds for a while, and is taken back. */
import { hasRedis, readinessOf } from './links.ts'
import type { Chance } from './operations.ts'
import type { SoakReplica } from './replica.ts'
import { LIES, PEERS } from './stores.ts'
import { BLIND_SECONDS, type World } from './world.ts'

export interface Begun {
  /** What it hits, for the report. */
  readonly detail: string
  readonly end: () => Promise<void>
}

export interface Fault {
  readonly name: string
  /** False where this machine cannot have it. */
  readonly isPossible?: (world: World) => boolean
  readonly begin: (world: World, chance: Chance) => Promise<Begun>
}

const HOUR_MS = 3_600_000
const PATIENCE_MS = 120_000

const everybody = ({ replicas }: World): number[] => replicas.map(({ index }) => index)

/** One of Redis, which no replica has while it lasts. */
const ofRedis = (
  name: string,
  begin: (world: World) => Promise<void> | void,
  end: (world: World) => Promise<void> | void
): Fault => ({
  name: `Redis ${name}`,
  begin: async (world) => {
    world.links.cut(everybody(world))
    await begin(world)
    return {
      detail: '',
      end: async () => {
        await end(world)
        world.links.mended(everybody(world))
      }
    }
  }
})

/** What the standby had not heard yet is lost, and nothing is owed of it. */
const failOver = async (world: World): Promise<void> => {
  await world.redis.failOver()
  world.keys.survived(await world.revokedInRedis())
  // The address moves: who is connected to the former master is cut off.
  for (const network of world.redis.networks) {
    await network.set({ is: 'reset' })
    await network.set({ is: 'open' })
  }
}

const ofStore = (
  name: string,
  begin: (peer: World['peers'][(typeof PEERS)[number]], chance: Chance) => Promise<string> | string
): Fault => ({
  name: `store ${name}`,
  begin: async ({ peers }, chance) => {
    const which = chance.pick(PEERS)
    const detail = await begin(peers[which], chance)
    return { detail: `${which} ${detail}`.trim(), end: peers[which].heal }
  }
})

const ofReplica = (
  name: string,
  begin: (replica: SoakReplica, world: World, chance: Chance) => Promise<Begun>,
  isPossible: (world: World) => boolean = () => true
): Fault => ({
  name,
  isPossible,
  begin: async (world, chance) => {
    const replica = chance.pick(world.replicas)
    const { detail, end } = await begin(replica, world, chance)
    return { detail: `replica ${replica.index} ${detail}`.trim(), end }
  }
})

const endOf = (signal: 'SIGTERM' | 'SIGKILL'): Fault =>
  ofReplica(signal, async (replica, { links }) => {
    links.cut([replica.index])
    await replica.end(signal)
    return {
      detail: '',
      end: async () => {
        await replica.start()
        links.mended([replica.index])
      }
    }
  })

/** Until readiness is what is wanted; says whether it was in time. */
const untilReadiness = async (
  replica: SoakReplica,
  isWanted: (readiness: Awaited<ReturnType<typeof readinessOf>>) => boolean
): Promise<boolean> => {
  const until = performance.now() + PATIENCE_MS
  while (!isWanted(await readinessOf(replica))) {
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return true
}

const cutOff: Fault = ofReplica('network cut', async (replica, { redis, links, ledger }) => {
  const network = redis.networks[replica.index]
  links.cut([replica.index])
  await network?.set({ is: 'black hole' })
  return {
    detail: 'from Redis',
    end: async () => {
      const isOut = await untilReadiness(replica, ({ httpStatus }) => httpStatus === 503)
      const still = `replica ${replica.index} is ready, blind for more than ${BLIND_SECONDS} s`
      ledger.judge('blind', isOut ? undefined : still)
      await network?.set({ is: 'open' })
      links.mended([replica.index])
      const isBack = await untilReadiness(replica, hasRedis)
      ledger.judge('blind', isBack ? undefined : `replica ${replica.index} stays blind`)
    }
  }
})

const reload: Fault = ofReplica('faulty reload', async (replica, world) => {
  const ask = async () => {
    const answer = await fetch(`${replica.url}/v1/admin/config/reload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.callers.admin}` },
      signal: AbortSignal.timeout(PATIENCE_MS)
    })
    return (await answer.json()) as { reloaded?: boolean; faults?: unknown[] }
  }
  const judge = ({ reloaded, faults = [] }: Awaited<ReturnType<typeof ask>>, wanted: boolean) => {
    const isRight = reloaded === wanted && faults.length > 0 !== wanted
    const what = `replica ${replica.index}: reloaded ${reloaded}, ${faults.length} faults`
    world.ledger.judge('reload', isRight ? undefined : what)
  }
  // All rights to everybody, if it were taken; what is wrong stands at its end.
  replica.configure(world.yaml.replaceAll('"read":[', '"read":["**",').replace('"bots":', '"bot":'))
  judge(await ask(), false)
  return {
    detail: '',
    end: async () => {
      replica.configure(world.yaml)
      judge(await ask(), true)
    }
  }
})

export const FAULTS: readonly Fault[] = [
  ofRedis(
    'killed',
    ({ redis }) => redis.kill(),
    ({ redis }) => redis.restart()
  ),
  ofRedis(
    'paused',
    ({ redis }) => redis.pause(),
    ({ redis }) => redis.resume()
  ),
  ofRedis(
    'full',
    ({ redis }) => redis.fill(),
    ({ redis }) => redis.empty()
  ),
  ofRedis('failed over', failOver, ({ redis }) => redis.restore()),
  ofStore('down', async (peer) => {
    await peer.down()
    return ''
  }),
  ofStore('slow', async (peer, chance) => {
    const ms = 200 + Math.floor(chance.random() * 3_000)
    await peer.slow(ms)
    return `${ms} ms each way`
  }),
  ofStore('throttling', (peer) => {
    peer.throttle()
    return ''
  }),
  ofStore('lying', (peer, chance) => {
    const lie = chance.pick(LIES)
    peer.lie(lie)
    return lie
  }),
  ofReplica(
    'disk full',
    async ({ disk }) => {
      disk?.fill()
      return { detail: '', end: async () => disk?.empty() }
    },
    ({ replicas }) => replicas.every(({ disk }) => disk !== undefined)
  ),
  ofReplica('clock jump', async (replica, _, chance) => {
    const aheadMs = chance.pick([HOUR_MS, -HOUR_MS])
    replica.setClock(aheadMs)
    return {
      detail: `${aheadMs > 0 ? '+' : '−'}1 h`,
      end: async () => replica.setClock(0)
    }
  }),
  endOf('SIGTERM'),
  endOf('SIGKILL'),
  cutOff,
  reload
]
