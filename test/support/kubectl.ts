/** kubectl as the administrator of a test's API server. Rule: no configuration of this machine is read. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createDirectory } from './embedded.ts'
import type { KubeApiserver } from './kube-apiserver.ts'
import { programOf } from './peers.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type Kubectl = (...args: readonly string[]) => Promise<Ran>

type Administered = Pick<KubeApiserver, 'url' | 'caFile' | 'adminToken'>

const kubeconfigOf = ({ url, caFile, adminToken }: Administered): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'administrator', user: { token: adminToken } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'administrator' } }],
    'current-context': 'test'
  })

/** The environment of a process that asks this server as its administrator. */
export const administratorOf = (t: Test, server: Administered) => {
  const home = createDirectory(t)
  const file = join(home, 'kubeconfig')
  writeFileSync(file, kubeconfigOf(server), { mode: 0o600 })
  return { HOME: home, KUBECONFIG: file, PATH: process.env['PATH'] }
}

export const createKubectl = (
  t: Test,
  server: KubeApiserver,
  peer: 'kubectl' | 'kubectl-debian' = 'kubectl'
): Kubectl => {
  const env = administratorOf(t, server)
  const program = programOf(peer) ?? peer
  return (...args) =>
    new Promise((resolve) => {
      execFile(program, args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1
        resolve({ code, stdout, stderr })
      })
    })
}
