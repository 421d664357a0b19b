/** Who is measured: this version of Purser or another, with the peers that the case needs; bare routes; OpenBao. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programOf, startPeer } from '../../test/support/peers.ts'
import { type BenchRequest, type Case, KV_MS, type Need } from './cases.ts'
import { type Scope, type Server, startServer, usedBy } from './processes.ts'
import type { Used } from './server.ts'
import { HERE } from './service.ts'

export interface Contestant {
  readonly name: string
  readonly origin: string
  readonly asks: readonly BenchRequest[]
  readonly status: number
  /** How many secrets one answer has. */
  readonly secrets: number
  readonly used: () => Promise<Used>
}

const isNeeded = ({ needs = [] }: Case, need: Need): boolean => needs.includes(need)

/** Why the case cannot be measured here; undefined: it can. */
export const missingFor = (one: Case): string | undefined =>
  isNeeded(one, 'redis') && programOf('redis') === undefined
    ? 'redis-server is not installed'
    : undefined

const serverFor = async (scope: Scope, one: Case, root: string): Promise<Server> => {
  const redis = isNeeded(one, 'redis') ? await startPeer(scope, 'redis') : undefined
  const kv = isNeeded(one, 'kv')
    ? await startServer(scope, { is: 'kv', afterMs: KV_MS })
    : undefined
  const directLine = isNeeded(one, 'direct line')
    ? await startServer(scope, { is: 'direct line' })
    : undefined
  const collector = isNeeded(one, 'collector')
    ? await startServer(scope, { is: 'collector' })
    : undefined
  const settings = {
    ...one.settings,
    ...(collector !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: collector.ready.origin }),
    ...(redis !== undefined && { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  }
  const options = {
    settings,
    secrets: one.stored,
    isUnchained: one.isUnchained,
    doors: one.doors,
    kv: kv?.ready.origin,
    directLine: directLine?.ready.origin
  }
  return startServer(scope, { is: 'purser', root, options })
}

/** `root`: the folder of the version. */
export const purserFor = async (scope: Scope, one: Case, root?: string): Promise<Contestant> => {
  const { ready, used } = await serverFor(scope, one, root ?? HERE)
  return {
    name: root === undefined ? one.name : `${one.name}, ${root}`,
    origin: one.isAtDoor === true ? (ready.door ?? '') : ready.origin,
    asks: one.asks(ready),
    status: one.status,
    secrets: one.secrets ?? 1,
    used
  }
}

/** Of each answer anew, or of a connection. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive'
])

/** Routes that answer as this Purser answers its first request: with the same body, and with the same headers too. */
export const bareLike = async (
  scope: Scope,
  { origin, asks }: Contestant
): Promise<readonly [Contestant, Contestant]> => {
  const [asked] = asks
  const answer = await fetch(origin + asked?.path, { headers: { ...asked?.headers } })
  const body = (await answer.json()) as object
  // Those that differ from answer to answer are sent as they came in this one: their cost is what counts.
  const sent = Object.fromEntries([...answer.headers].filter(([name]) => !NOT_SENT.has(name)))
  const start = async (name: string, headers: Readonly<Record<string, string>>) => {
    const { ready, used } = await startServer(scope, { is: 'bare', body, headers })
    return { name, origin: ready.origin, asks, status: 200, secrets: 1, used }
  }
  return [
    await start('bare Fastify route, the same body', {}),
    await start('bare Fastify route, the same body and headers', sent)
  ]
}

/** OpenBao with a KV 2 engine in memory and a record of each request in a file; undefined where it is not installed. */
export const openBao = async (scope: Scope): Promise<Contestant | undefined> => {
  if (programOf('openbao') === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  scope.teardown(() => rm(folder, { recursive: true }))
  const config = join(folder, 'config.hcl')
  const file = JSON.stringify(join(folder, 'audit.log'))
  await writeFile(config, `audit "file" "file" {\n  options { file_path = ${file} }\n}\n`)
  const { url, pid } = await startPeer(scope, 'openbao', [`-config=${config}`])
  const root = { 'x-vault-token': 'root' }
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method: 'POST',
      headers: root,
      body: JSON.stringify(body)
    })
    if (!answer.ok) throw new Error(`OpenBao answered ${answer.status} to ${path}`)
    return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>)
  }
  const data = { username: 'app', password: 'correct horse battery staple' }
  await post('secret/data/bench/database', { data })
  const policy = 'path "secret/data/bench/*" { capabilities = ["read"] }'
  await post('sys/policies/acl/bench', { policy })
  const { auth } = await post('auth/token/create', { policies: ['bench'], no_default_policy: true })
  const token = (auth as { client_token: string }).client_token
  return {
    name: 'OpenBao, KV 2 in memory, audit in a file',
    origin: url,
    asks: [{ path: '/v1/secret/data/bench/database', headers: { 'x-vault-token': token } }],
    status: 200,
    secrets: 1,
    used: () => usedBy(pid)
  }
}
