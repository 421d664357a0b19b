/**
 * The External Secrets Operator as it asks: its own code, with the objects of `deploy/kubernetes/` and the Secrets that they
 * name. Rule: an object is taken as it stands, but for the address of the service.
 */
import { spawn } from 'node:child_process'
import { programOf } from './peers.ts'

export interface Operated {
  readonly value?: string
  readonly values?: Readonly<Record<string, string>>
  /** The operator takes it for a secret that does not exist, and may delete what it made of it. */
  readonly noSecret?: boolean
  readonly error?: string
}

export interface Cluster {
  readonly namespace: string
  /** By namespace and name: members and their texts. Each is labelled for the webhook provider. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface Job {
  readonly do: 'validate' | 'get' | 'extract' | 'push' | 'generate'
  readonly store?: object
  readonly cluster?: object
  readonly generator?: object
  readonly remoteRef?: {
    readonly key: string
    readonly property?: string
    readonly version?: string
  }
  readonly push?: object
  readonly pushedSecret?: object
}

const metadataOf = (place: string) => {
  const [namespace, name] = place.split('/')
  return { namespace, name, labels: { 'external-secrets.io/type': 'webhook' } }
}

const base64 = (members: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(members).map(([name, text]) => [name, Buffer.from(text).toString('base64')])
  )

/** `env` names the API server that the operator would run in, for logins. */
export const operate = (
  { namespace, secrets, configMaps }: Cluster,
  job: Job,
  env: Readonly<Record<string, string>> = {}
): Promise<Operated> =>
  new Promise((done, fail) => {
    const input = {
      ...job,
      namespace,
      secrets: Object.entries(secrets).map(([place, members]) => ({
        metadata: metadataOf(place),
        data: base64(members)
      })),
      configMaps: Object.entries(configMaps).map(([place, data]) => ({
        metadata: metadataOf(place),
        data
      }))
    }
    const child = spawn(programOf('external-secrets') ?? '', [], {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
      stdio: ['pipe', 'pipe', 'pipe']
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text
    })
    child.once('error', fail)
    child.once('close', (code) => {
      if (code === 0) done(JSON.parse(output.stdout) as Operated)
      else fail(new Error(`external-secrets ended with ${code}: ${output.stderr}`))
    })
    child.stdin.end(JSON.stringify(input))
  })

/** The manifest with another address of the service. */
export const at = <T extends object>(url: string, manifest: T | undefined): T => {
  if (manifest === undefined) throw new Error('there is no such manifest')
  const text = JSON.stringify(manifest)
  return JSON.parse(text.replaceAll(/https:\/\/purser(?:-vault)?\.purser\.svc(?::\d+)?/g, url))
}
