/** The doors of other dialects, as `doors:` of `purser.yaml` has them: a table of who makes which. */
import type { Dialect, DoorConfig, DoorPlace, Target } from '../config/door-entries.ts'
import type { ServerTls } from '../core/server-tls.ts'
import type { DoorMeans } from '../doors/means.ts'
import type { Door, Listener } from '../http/door.ts'
import type { Services } from '../http/routes/index.ts'
import { mayKnowStore } from '../secrets/decision.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

type ConfigOf<D extends Dialect> = Extract<DoorConfig, { readonly dialect: D }>

const CREATE: {
  readonly [D in Dialect]?: (config: ConfigOf<D>, means: DoorMeans) => Door
} = {}

const createDoor = <D extends Dialect>(config: ConfigOf<D>, means: DoorMeans): Door => {
  const create = CREATE[config.dialect as D]
  if (create === undefined) throw new Error(`the dialect ${config.dialect} is not spoken yet`)
  return create(config, means)
}

const listenerOf = (
  { dialect }: DoorConfig,
  place: DoorPlace | undefined,
  { HOST }: Ground['settings'],
  tls: ServerTls | undefined
): Listener | undefined =>
  place && { label: `Door ${dialect}`, host: place.host ?? HOST, port: place.port, tls }

/** Whether the client may know that there is anything where the target leads. */
const mayKnowOf =
  ({ live }: Ground): DoorMeans['mayKnow'] =>
  (client, target: Target | undefined) => {
    if (target === undefined) return false
    const rules = live()
    if (target.kind === 'names') return rules.policy.grantsOf(client).read.length > 0
    const { store } = target
    return rules.stores.get(store) !== undefined && mayKnowStore(rules, client, store)
  }

export const dialectDoors = (
  ground: Ground,
  { care }: Pick<Keys, 'care'>,
  { secrets, health }: Pick<Services, 'secrets' | 'health'>,
  tls: ServerTls | undefined
): readonly Door[] => {
  const { live, settings, keyring, now } = ground
  const common = {
    broker: secrets.broker,
    now,
    keyring,
    mayKnow: mayKnowOf(ground),
    grantsOf: (client: string) => live().policy.grantsOf(client),
    care,
    health
  }
  return live().config.doors.map((config) =>
    createDoor(config, { ...common, listener: listenerOf(config, config.place, settings, tls) })
  )
}
