/** The manifests of `deploy/kubernetes/` as kubectl renders them. Rule: what a test says of them it reads from what would be applied. */
import { spawnSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { programOf } from './peers.ts'

const FOLDER = 'deploy/kubernetes'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
}

export const parseManifests = (text: string): readonly Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)

/** `folder` below `deploy/kubernetes/`, or any other by its path. */
export const renderWith = (program: string, folder: string): readonly Manifest[] => {
  const path = folder.startsWith('/') ? folder : `${FOLDER}/${folder}`
  const { status, stdout, stderr } = spawnSync(program, ['kustomize', path], {
    encoding: 'utf8',
    timeout: 120_000
  })
  if (status !== 0) throw new Error(`kubectl kustomize ${folder}: ${stderr}`)
  return parseManifests(stdout)
}

export const render = (folder: string): readonly Manifest[] =>
  renderWith(programOf('kubectl') ?? 'kubectl', folder)

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string }
}

interface Container {
  readonly name: string
  readonly image: string
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly securityContext: object
}

export interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string }
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly [Container]
    readonly volumes: readonly Volume[]
    readonly securityContext: Readonly<Record<string, unknown>>
    readonly serviceAccountName: string
    readonly terminationGracePeriodSeconds: number
  }
}

export const ofKind = <T extends Manifest>(manifests: readonly Manifest[], kind: string): T[] =>
  manifests.filter((manifest): manifest is T => manifest.kind === kind)

/** That of the one Deployment. */
export const podTemplateOf = (manifests: readonly Manifest[]): PodTemplate => {
  const [deployment] = ofKind<Manifest & { spec: { template: PodTemplate } }>(
    manifests,
    'Deployment'
  )
  if (deployment === undefined) throw new Error('there is no Deployment')
  return deployment.spec.template
}

export const environmentOf = ({ spec }: PodTemplate): Readonly<Record<string, string>> =>
  Object.fromEntries(spec.containers[0].env.map(({ name, value }) => [name, value]))
