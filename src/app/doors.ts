/** The doors of other dialects, as `doors:` of `purser.yaml` has them: a table of who makes which. */
import type { Dialect, DoorConfig, DoorPlace } from '../config/door-entries.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { awsAgentDoor } from '../doors/aws/agent.ts'
import { awsDoor } from '../doors/aws/door.ts'
import { daprDoor } from '../doors/dapr/door.ts'
import type { DoorMeans } from '../doors/means.ts'
import { vaultDoor } from '../doors/vault/index.ts'
import type { Door, Listener } from '../http/door.ts'
import type { Services } from '../http/routes/index.ts'
import { mayKnowOf } from '../secrets/decision.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

type ConfigOf<D extends Dialect> = Extract<DoorConfig, { readonly dialect: D }>

const CREATE: {
  readonly [D in Dialect]: (config: ConfigOf<D>, means: DoorMeans) => Door
} = { vault: vaultDoor, aws: awsDoor, 'aws-agent': awsAgentDoor, dapr: daprDoor }

const createDoor = <D extends Dialect>(config: ConfigOf<D>, means: DoorMeans): Door =>
  CREATE[config.dialect as D](config, means)

const listenerOf = (
  { dialect }: DoorConfig,
  place: DoorPlace | undefined,
  { HOST }: Ground['settings'],
  tls: ServerTls | undefined
): Listener | undefined =>
  place && { label: `Door ${dialect}`, host: place.host ?? HOST, port: place.port, tls }

export const dialectDoors = (
  ground: Ground,
  { care }: Pick<Keys, 'care'>,
  { secrets, health, login }: Pick<Services, 'secrets' | 'health' | 'login'>,
  tls: ServerTls | undefined
): readonly Door[] => {
  const { live, settings, keyring, now } = ground
  const common: Omit<DoorMeans, 'listener'> = {
    broker: secrets.broker,
    now,
    keyring,
    mayKnow: (client, target) => target !== undefined && mayKnowOf(live(), client, target),
    loneFieldOf: (store: string) => live().stores.get(store)?.spec.plugin.loneField,
    care,
    login,
    health
  }
  return live().config.doors.map((config) =>
    createDoor(config, { ...common, listener: listenerOf(config, config.place, settings, tls) })
  )
}
