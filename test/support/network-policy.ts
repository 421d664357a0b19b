/**
 * Who may reach whom in a cluster, by Cyclonus's reading of NetworkPolicies (scripts/peers/go/network-policy). Rule: what it is
 * told of Purser's own pods, ports and policies comes from the rendered manifests.
 */
import { spawnSync } from 'node:child_process'
import type { Manifest } from './manifests.ts'
import { programOf } from './peers.ts'

type Labels = Readonly<Record<string, string>>

/** A pod, or an address outside the cluster. */
export type Peer =
  | { readonly address: string }
  | {
      readonly namespace: string
      readonly namespaceLabels: Labels
      readonly labels: Labels
      /** Its ports by name, as NetworkPolicies call them. */
      readonly ports?: Readonly<Record<string, number>>
    }

export interface Way {
  readonly from: Peer
  readonly to: Peer
  readonly port: number
  readonly protocol?: 'TCP' | 'UDP'
}

/** Any of the cluster's: no policy tells pods by their addresses. */
const POD_ADDRESS = '10.244.0.7'

const peerOf = (peer: Peer): object => {
  if ('address' in peer) return { IP: peer.address }
  const { namespace, namespaceLabels, labels } = peer
  // As the API server does.
  const all = { ...namespaceLabels, 'kubernetes.io/metadata.name': namespace }
  return {
    IP: POD_ADDRESS,
    Internal: { Namespace: namespace, NamespaceLabels: all, PodLabels: labels }
  }
}

const nameOf = (peer: Peer, port: number): string => {
  const ports = 'ports' in peer ? (peer.ports ?? {}) : {}
  return Object.keys(ports).find((name) => ports[name] === port) ?? ''
}

/** Whether each of the ways is open, in their order. */
export const areOpen = (
  policies: readonly Manifest[],
  ways: readonly Way[]
): readonly boolean[] => {
  const traffic = ways.map(({ from, to, port, protocol = 'TCP' }) => ({
    Source: peerOf(from),
    Destination: peerOf(to),
    ResolvedPort: port,
    ResolvedPortName: nameOf(to, port),
    Protocol: protocol
  }))
  const { status, stdout, stderr } = spawnSync(programOf('network-policy') ?? '', [], {
    input: JSON.stringify({ Policies: policies, Traffic: traffic }),
    encoding: 'utf8',
    timeout: 60_000
  })
  if (status !== 0) throw new Error(`network-policy: ${stderr}`)
  return JSON.parse(stdout) as boolean[]
}
