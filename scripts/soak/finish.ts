/** What has to hold once all faults are over: everybody is served the newest version, everything is on record, all end well. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../../test/support/replicas.ts'
import { valuesIn } from './catalog.ts'
import type { SoakReplica } from './replica.ts'
import type { World } from './world.ts'

const ATTEMPTS = 20
const AGAIN_MS = 500

/** The versions of this client's secrets that a replica serves now. */
const servedBy = async (
  world: World,
  replica: SoakReplica,
  refs: readonly string[],
  key: string
) => {
  const query = refs.map((ref) => `ref=${encodeURIComponent(ref)}`).join('&')
  const headers = { authorization: `Bearer ${key}` }
  const { text } = await ask(replica.agent, `${replica.url}/v1/secrets/batch?${query}`, { headers })
  const versions = new Map(valuesIn(text).map(({ ref, version }) => [ref, version]))
  return refs.filter((ref) => versions.get(ref) !== world.catalog.version(ref))
}

const sweep = async (world: World, replica: SoakReplica): Promise<void> => {
  const { catalog, callers, ledger } = world
  for (const [client, key] of Object.entries(callers.read)) {
    const refs = catalog.of(client as keyof typeof callers.read).map(({ ref }) => ref)
    let old: string[] = []
    // Invalidations travel; what a breaker held back is asked for again.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      old = await servedBy(world, replica, refs, key)
      if (old.length === 0) break
      await sleep(AGAIN_MS)
    }
    const what = `replica ${replica.index} does not serve ${client} the newest ${old.join(' ')}`
    ledger.judge('serving', old.length === 0 ? undefined : what)
  }
}

export const sweepAll = async (world: World): Promise<void> => {
  const [first] = world.replicas
  if (first === undefined) return
  await ask(first.agent, `${first.url}/internal/cache/invalidate`, {
    method: 'POST',
    headers: { 'x-internal-secret': world.callers.internalSecret },
    payload: { all: true }
  })
  await Promise.all(world.replicas.map((replica) => sweep(world, replica)))
}

export const lookAtTrails = async ({ replicas, ledger }: World): Promise<void> => {
  await Promise.all(
    replicas.map(({ index, trail }) =>
      trail.look(
        () => ledger.held('recorded'),
        (what) => ledger.broke('recorded', `replica ${index}: ${what}`)
      )
    )
  )
}

/** SIGTERM for each, then its trail as the operator's command sees it. */
export const endAll = async ({ replicas, ledger }: World): Promise<void> => {
  await Promise.all(replicas.map(({ end }) => end('SIGTERM')))
  for (const replica of replicas) ledger.judge('verified', await replica.verify())
}
