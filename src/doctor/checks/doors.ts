/** Checks of the doors in other dialects: that each can listen, and leads somewhere. */
import type { DoorConfig, Target } from '../../config/door-entries.ts'
import { compilePolicy } from '../../kinds/references.ts'
import { type Check, type Finding, fail, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { listeningOn } from '../listening.ts'
import { MEND_FIRST, NotKnown } from '../not-known.ts'

const configOf = ({ config }: Installation) => {
  if (config === undefined) throw new NotKnown(MEND_FIRST)
  return config
}

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

const isAt = (host: string, address: string): boolean =>
  EVERYWHERE.has(host) ||
  EVERYWHERE.has(address) ||
  address === (host === 'localhost' ? '127.0.0.1' : host)

const ofPorts = (on: Installation): readonly Finding[] => {
  const { doors, settings } = configOf(on)
  const listening = listeningOn(on.machine)
  if (listening === undefined) throw new NotKnown('this system does not say who listens where')
  const isTaken = (host: string, port: number): boolean =>
    listening.some((one) => one.port === port && isAt(host, one.address))
  // Whoever listens there, `service-ready` says whether it is this service.
  const isRunning = isTaken(settings.HOST, settings.PORT)
  return doors.flatMap(({ dialect, place }) => {
    if (place === undefined || place.port === 0) return []
    const { host = settings.HOST, port } = place
    const isThere = isTaken(host, port)
    return [
      ...when(
        isThere && !isRunning,
        fail(
          `port ${port} of the door ${dialect} is taken by another program, so that a start fails: end that, or give the door another port`
        )
      ),
      ...when(
        !isThere && isRunning,
        warn(
          `the service that runs here does not listen at port ${port} of the door ${dialect}: doors are opened at a start: restart it`
        )
      )
    ]
  })
}

/** What each of its names leads to. */
const targetsOf = (door: DoorConfig, on: Installation): readonly (readonly [string, Target])[] => {
  if ('target' in door) return [[door.dialect, door.target]]
  if ('mounts' in door) {
    return [...door.mounts].map(([name, { target }]) => [`${door.dialect}, ${name}`, target])
  }
  const stores =
    door.stores ??
    new Map(
      configOf(on).stores.map(({ name }) => [
        name,
        { kind: 'below', store: name, path: '' } as const
      ])
    )
  return [...stores].map(([name, target]) => [`${door.dialect}, ${name}`, target])
}

const ofTargets = (on: Installation): readonly Finding[] => {
  const { doors, policies, book } = configOf(on)
  const policy = compilePolicy(policies)
  const clients = ['*', ...policies.flatMap(({ client }) => [client].flat())]
  const isReached = (target: Target): boolean =>
    target.kind === 'names'
      ? book.names.size > 0
      : clients.some((client) => policy.mayReachBelow(client, target))
  return doors
    .flatMap((door) => targetsOf(door, on))
    .filter(([, target]) => !isReached(target))
    .map(([door, target]) =>
      warn(
        target.kind === 'names'
          ? `the door ${door} leads to the names of \`secrets:\`, of which there are none: whoever asks there finds nothing`
          : `the door ${door} leads to ${target.store}:${target.path}, of which no policy gives anybody anything: add a policy, or let it lead elsewhere`
      )
    )
}

const idle = ({ config }: Installation): string | undefined =>
  config?.doors.length === 0 ? 'there is no door' : undefined

export const doorsChecks: readonly Check[] = [
  {
    id: 'doors-ports',
    title: 'the ports of the doors are free, or the service that runs here has them',
    idle: (on) =>
      idle(on) ??
      (on.config?.doors.every(({ place }) => place === undefined)
        ? 'all of them are at PORT'
        : undefined),
    run: ofPorts
  },
  { id: 'doors-targets', title: 'every door leads to what a policy gives', idle, run: ofTargets }
]
