/**
 * The peers of the soak at the wire: AWS, Vault and a Kubernetes API server that hold what the catalog says, behind a
 * network each, so that one can be down, slow, throttling, or lie. Rule: what they say is what the fakes of the contract
 * suite say; a lie never says anything that is believable.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { arnOf, answer as awsAnswer, awsDialect, operationOf } from '../../test/kinds/aws/fake.ts'
import { encoded, json, kubernetesDialect, secret } from '../../test/kinds/kubernetes/fake.ts'
import { vaultDialect } from '../../test/kinds/vault/fake.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import {
  type Dialect,
  openWire,
  type WireAnswer,
  type WireBehaviour,
  type WireRequest
} from '../../test/support/wire.ts'
import { type Catalog, type Secret, type StoreName, versionNames } from './catalog.ts'

export type PeerName = Exclude<StoreName, 'local'>
export const PEERS: readonly PeerName[] = ['aws', 'vault', 'cluster']

export const LIES = ['HTML', 'truncated', 'of another shape', "another's record"] as const
export type Lie = (typeof LIES)[number]

export interface Peer {
  readonly url: string
  /** PEM, where it speaks TLS. */
  readonly ca: string | undefined
  readonly down: () => Promise<void>
  readonly slow: (ms: number) => Promise<void>
  readonly throttle: () => void
  readonly lie: (lie: Lie) => void
  /** One client is given what belongs to the other: what no broker can notice, and the soak has to. */
  readonly betray: () => void
  readonly heal: () => Promise<void>
}

export type Peers = Readonly<Record<PeerName, Peer>>

/** What a peer makes of a request: an answer of its own, with `take` saying which secret stands for the one of a path. */
type Answering = (request: WireRequest, catalog: Catalog, take: Take) => WireAnswer
/** Undefined where there is none. */
type Take = (path: string) => Secret | undefined

interface AwsBody {
  readonly SecretId?: string
  readonly SecretIdList?: readonly string[]
}

const awsRecord = (path: string, taken: Secret, catalog: Catalog) => ({
  ARN: arnOf(path),
  Name: path,
  VersionId: versionNames.aws(catalog.version(taken.ref)),
  VersionStages: ['AWSCURRENT'],
  SecretString: JSON.stringify(catalog.fieldsOf(taken))
})

const answerAws: Answering = (request, catalog, take) => {
  const { SecretId, SecretIdList = [] } = JSON.parse(request.body) as AwsBody
  const recordsOf = (paths: readonly string[]) =>
    paths.flatMap((path) => {
      const taken = take(path)
      return taken === undefined ? [] : [awsRecord(path, taken, catalog)]
    })
  if (operationOf(request) === 'GetSecretValue' && SecretId !== undefined) {
    const [record] = recordsOf([SecretId])
    return record === undefined ? awsDialect.notFound('none') : awsAnswer(200, record)
  }
  if (operationOf(request) === 'BatchGetSecretValue') {
    return awsAnswer(200, { SecretValues: recordsOf(SecretIdList), Errors: [] })
  }
  const listed = catalog.all.filter(({ store }) => store === 'aws').map(({ path }) => path)
  return awsAnswer(200, { SecretList: listed.map((path) => ({ ARN: arnOf(path), Name: path })) })
}

const answerVault: Answering = (request, catalog, take) => {
  const [, folder] = /^\/v1\/kv\/metadata\/(.+)\?list=true$/.exec(request.url) ?? []
  if (folder !== undefined) {
    const below = `kv/${folder}`
    const keys = catalog.all
      .filter(({ store, path }) => store === 'vault' && path.startsWith(below))
      .map(({ path }) => path.slice(below.length))
    return json(200, { data: { keys } })
  }
  const [, path] = /^\/v1\/kv\/data\/([^?]+)/.exec(request.url) ?? []
  if (path === undefined) return vaultDialect.found('{}', request)
  const taken = take(`kv/${path}`)
  if (taken === undefined) return vaultDialect.notFound('')
  const version = catalog.version(taken.ref)
  const metadata = { version, deletion_time: '', destroyed: false, custom_metadata: null }
  return json(200, { data: { metadata, data: catalog.fieldsOf(taken) }, auth: null })
}

const answerCluster: Answering = (request, catalog, take) => {
  const [, namespace, name] =
    /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/?]+)$/.exec(request.url) ?? []
  if (name === undefined) return kubernetesDialect.found('', request)
  const taken = take(`${namespace}/${name}`)
  if (taken === undefined) return kubernetesDialect.notFound(name)
  const data = Object.entries(catalog.fieldsOf(taken)).map(([key, text]) => [key, encoded(text)])
  const resourceVersion = versionNames.cluster(catalog.version(taken.ref))
  const metadata = { name, namespace, resourceVersion }
  return secret(request, Object.fromEntries(data), { metadata })
}

const SPOKEN: Readonly<Record<PeerName, readonly [Dialect, Answering]>> = {
  aws: [awsDialect, answerAws],
  vault: [vaultDialect, answerVault],
  cluster: [kubernetesDialect, answerCluster]
}

const FOUND: WireBehaviour = { read: 'found', text: '' }
const status = (type: string, body: string): WireBehaviour => ({
  read: 'status',
  status: 200,
  type,
  body
})

const LYING: Readonly<Record<Lie, WireBehaviour>> = {
  HTML: status('text/html', '<html><body>Please log in</body></html>'),
  truncated: { read: 'cut', text: '' },
  'of another shape': status('application/json', '{"data":[["x"]],"SecretString":7,"kind":"List"}'),
  // Said by the peer's own words, under the other's name.
  "another's record": FOUND
}

/** The same secret of the other client. */
const otherPath = (path: string): string =>
  path.replace(/team-([ab])/, (_, letter) => `team-${letter === 'a' ? 'b' : 'a'}`)

/** The request as if the other's secret had been asked for, so that the whole record is the other's. */
const asForOther = (request: WireRequest): WireRequest => ({
  ...request,
  url: otherPath(request.url),
  body: otherPath(request.body)
})

const startPeer = async (
  t: Pick<Test, 'teardown'>,
  name: PeerName,
  catalog: Catalog
): Promise<Peer> => {
  const [dialect, answering] = SPOKEN[name]
  // Changed in place while it serves.
  const behaviour = { ...FOUND } as WireBehaviour
  let isOthers = false
  let isBetrayed = false
  const take: Take = (path) => catalog.at(name, isBetrayed ? otherPath(path) : path)
  const found: Dialect['found'] = (_, request) =>
    answering(isOthers ? asForOther(request) : request, catalog, take)
  const spoken = { ...dialect, found }
  const wire = await openWire(t, spoken, behaviour)
  // A long soak asks often, and nobody looks at what was asked.
  const forget = setInterval(() => {
    for (const list of [wire.reads, wire.logins] as unknown[][]) list.length = 0
  }, 10_000)
  t.teardown(() => clearInterval(forget))
  const { protocol, port } = new URL(wire.url)
  const proxy = await startTcpProxy(t, Number(port))
  const say = (next: WireBehaviour): void => void Object.assign(behaviour, next)
  return {
    url: `${protocol}//127.0.0.1:${proxy.port}`,
    ca: wire.ca,
    down: () => proxy.set({ is: 'refused' }),
    slow: (latencyMs) => proxy.set({ is: 'open', latencyMs }),
    throttle: () => say({ read: 'throttled', message: '', retryAfter: '1' }),
    lie: (lie) => {
      // Vault's answers name no secret: what is another's there cannot be told from what is right.
      isOthers = lie === "another's record" && name !== 'vault'
      say(lie === "another's record" && name === 'vault' ? LYING.truncated : LYING[lie])
    },
    betray: () => {
      isBetrayed = true
    },
    heal: async () => {
      isOthers = false
      say(FOUND)
      await proxy.set({ is: 'open' })
    }
  }
}

export const startPeers = async (t: Pick<Test, 'teardown'>, catalog: Catalog): Promise<Peers> => ({
  aws: await startPeer(t, 'aws', catalog),
  vault: await startPeer(t, 'vault', catalog),
  cluster: await startPeer(t, 'cluster', catalog)
})

/** What Kubernetes needs as files. */
export const writeClusterFiles = (folder: string, { cluster }: Peers) => {
  const [caFile, tokenFile] = [join(folder, 'ca.pem'), join(folder, 'token')]
  writeFileSync(caFile, cluster.ca ?? '')
  writeFileSync(tokenFile, 'token-1\n')
  return { caFile, tokenFile }
}
