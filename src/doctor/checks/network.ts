/** Checks of who can reach the service, and whom it believes. */
import { isLoopback } from '../../core/network.ts'
import { type Check, type Finding, fail, failInEarnest, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { listeningOn } from '../listening.ts'

const isOpen = (host: string | undefined): boolean => host !== undefined && !isLoopback(host)

/** Known to be so by default: of Node's inspector, and of what keeps data and is often left without a login. */
const SENSITIVE: ReadonlyMap<number, string> = new Map([
  [2375, 'Docker'],
  [2379, 'etcd'],
  [5432, 'PostgreSQL'],
  [6333, 'Qdrant'],
  [6334, 'Qdrant'],
  [6379, 'Redis'],
  [9000, 'MinIO'],
  [9200, 'Elasticsearch'],
  [9229, 'the inspector of Node'],
  [16379, 'the bus of a Redis cluster'],
  [26379, 'a Sentinel of Redis'],
  [27017, 'MongoDB']
])

/** Where this service itself listens, which other checks look at. */
const ownPorts = ({ settings, config }: Installation): Set<number | undefined> => {
  const { PORT, INTERNAL_PORT, CONSOLE_PORT } = settings
  const doors = (config?.doors ?? []).map(({ place }) => place?.port)
  return new Set([PORT, INTERNAL_PORT, CONSOLE_PORT, ...doors])
}

/** Ports on which somebody listens at an address that others can reach, whoever that is. */
const openPorts = ({ machine }: Installation): Set<number> =>
  new Set(
    (listeningOn(machine) ?? [])
      .filter(({ address }) => !isLoopback(address))
      .map(({ port }) => port)
  )

const ofHost = ({ settings, machine }: Installation): readonly Finding[] => {
  const { HOST, TLS_CERT_FILE, TRUST_PROXY } = settings
  if (!isOpen(HOST) || TLS_CERT_FILE !== undefined) return []
  if (machine.isContainer) {
    return [
      warn(
        'HOST is open without TLS, as it has to be in a container: publish the port on 127.0.0.1 alone, behind a proxy that ends TLS'
      )
    ]
  }
  if (TRUST_PROXY !== undefined) {
    return [
      warn(
        'HOST is open without TLS: let nothing but the proxies of TRUST_PROXY reach it, or set HOST=127.0.0.1'
      )
    ]
  }
  return [
    failInEarnest(
      'HOST is open to the network without TLS: keys and secrets travel in the clear: set HOST=127.0.0.1 behind a proxy on this machine, or TLS_CERT_FILE and TLS_KEY_FILE'
    )
  ]
}

/** Of doors that are elsewhere than the public listener. */
const ofDoors = ({ settings: { TLS_CERT_FILE }, config, machine }: Installation) => {
  const open = (config?.doors ?? []).filter(({ place }) => isOpen(place?.host))
  if (open.length === 0 || TLS_CERT_FILE !== undefined) return []
  const which = open.map(({ dialect }) => dialect).join(', ')
  const message = `a door is open to the network without TLS: ${which}: set its host to 127.0.0.1 behind a proxy on this machine, or TLS_CERT_FILE and TLS_KEY_FILE`
  return [machine.isContainer ? warn(message) : failInEarnest(message)]
}

/** Of so many addresses, some will not be proxies. */
const WIDEST = { v4: 24, v6: 64 } as const

const isWide = (network: string): boolean => {
  const [address = '', bits] = network.split('/')
  if (bits === undefined) return false
  return Number(bits) < (address.includes(':') ? WIDEST.v6 : WIDEST.v4)
}

export const networkChecks: readonly Check[] = [
  {
    id: 'bind',
    title: 'the public listener and the doors are on this machine alone, or speak TLS',
    places: ['HOST', 'PORT'],
    run: (on) => [...ofHost(on), ...ofDoors(on)]
  },
  {
    id: 'internal-listener',
    title: '/internal/* is reached from inside alone',
    places: ['INTERNAL_HOST', 'INTERNAL_PORT'],
    run: ({ settings: { HOST, INTERNAL_HOST } }) => [
      ...when(
        isOpen(HOST) && INTERNAL_HOST === undefined,
        warn(
          '/internal/* is served where everything else is: set INTERNAL_HOST and INTERNAL_PORT, or have the proxy pass on nothing below /internal/'
        )
      ),
      ...when(
        isOpen(INTERNAL_HOST),
        warn('INTERNAL_HOST is open to the network: let only your own services reach it')
      )
    ]
  },
  {
    id: 'trusted-proxies',
    title: 'only listed proxies are believed about the addresses of callers',
    places: ['TRUST_PROXY'],
    run: ({ settings: { TRUST_PROXY = [] } }) => {
      const wide = TRUST_PROXY.filter(isWide)
      return when(
        wide.length > 0,
        warn(
          `TRUST_PROXY believes whoever is in ${wide.join(', ')}: list the addresses of the proxies`
        )
      )
    }
  },
  {
    id: 'open-ports',
    title: 'no sensitive port of this machine is open to the network',
    run: (on) => {
      const open = openPorts(on)
      const own = ownPorts(on)
      return [...SENSITIVE]
        .filter(([port]) => open.has(port) && !own.has(port))
        .map(([port, what]) =>
          (port === 9229 ? fail : failInEarnest)(
            `port ${port} (${what}) of this machine is open to the network: bind it to 127.0.0.1, or close it with a firewall`
          )
        )
    }
  }
]
