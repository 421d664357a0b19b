/**
 * The pod that a Deployment would make, and weaker ones. Rule: each differs from the first in one way, which Pod Security's "restricted"
 * has to see.
 */
import type { PodTemplate } from './manifests.ts'

export interface Pod {
  readonly metadata: object
  readonly spec: PodTemplate['spec']
}
type Change = (pod: { spec: Record<string, unknown> }, container: Record<string, object>) => void

const sandbox = (of: Record<string, object>): Record<string, unknown> =>
  of['securityContext'] as Record<string, unknown>

/** What somebody might do to get something to run. */
export const WEAKENED: Readonly<Record<string, Change>> = {
  'may run as root': ({ spec }) => {
    delete sandbox(spec as never)['runAsNonRoot']
  },
  'is root': ({ spec }) => {
    sandbox(spec as never)['runAsUser'] = 0
  },
  'has no seccomp profile': ({ spec }) => {
    delete sandbox(spec as never)['seccompProfile']
  },
  'has a seccomp profile that confines nothing': (_, container) => {
    sandbox(container)['seccompProfile'] = { type: 'Unconfined' }
  },
  'may gain privileges': (_, container) => {
    delete sandbox(container)['allowPrivilegeEscalation']
  },
  'keeps capabilities': (_, container) => {
    delete sandbox(container)['capabilities']
  },
  'adds a capability': (_, container) => {
    sandbox(container)['capabilities'] = { drop: ['ALL'], add: ['NET_ADMIN'] }
  },
  'is privileged': (_, container) => {
    Object.assign(sandbox(container), { privileged: true, allowPrivilegeEscalation: true })
  },
  "has the node's network": ({ spec }) => {
    spec['hostNetwork'] = true
  },
  "sees the node's processes": ({ spec }) => {
    spec['hostPID'] = true
  },
  'mounts a folder of the node': ({ spec }) => {
    ;(spec['volumes'] as object[]).push({ name: 'node', hostPath: { path: '/' } })
  },
  'takes a port of the node': (_, container) => {
    container['ports'] = [{ name: 'https', containerPort: 8700, hostPort: 8700 }]
  }
}

export const podOf = (template: PodTemplate): Pod =>
  structuredClone({ metadata: { ...template.metadata, name: 'purser' }, spec: template.spec })
