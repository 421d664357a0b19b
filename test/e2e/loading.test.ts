/** What a command loads, and how long a start takes: only what that command needs, and the SDKs of the stores that are configured. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  get,
  issueKey,
  LOCAL_YAML,
  putLocal,
  runPurser,
  serve
} from '../support/purser-process.ts'
import { skipWithoutRedis } from '../support/redis.ts'
import { slowness } from '../support/stopwatch.ts'
import { startTeam } from '../support/worker-team.ts'

const SDKS = {
  'aws-secrets-manager': '@aws-sdk/client-secrets-manager',
  'azure-key-vault': '@azure/keyvault-secrets',
  'gcp-secret-manager': '@google-cloud/secret-manager',
  kubernetes: '@kubernetes/client-node',
  vault: 'node-vault'
}

const STORES: Record<keyof typeof SDKS, string> = {
  'aws-secrets-manager': 'region: eu-west-1',
  'azure-key-vault': 'vaultUrl: https://none.vault.azure.net',
  'gcp-secret-manager': 'project: my-project',
  kubernetes: 'namespaces: [team], auth: { method: kubeconfig, file: /none }',
  vault:
    'address: "https://127.0.0.1:1", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: NONE } }'
}

/** By the name of its folder; of TypeBox what builds schemas stands for itself, since it is most of it. */
const PACKAGE = /node_modules\/(typebox\/build\/type|(?:@[^/]+\/)?[^/]+)/

/** What the processes have loaded, or the one of that pid: Node lists every script for its coverage. */
const scriptsIn = (directory: string, pid?: number): string[] =>
  readdirSync(directory)
    .filter((file) => pid === undefined || file.startsWith(`coverage-${pid}-`))
    .flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(directory, file), 'utf8'))
      return (result as { url: string }[]).map(({ url }) => url)
    })

/** The packages of which something has been loaded. */
const packagesIn = (directory: string, pid?: number): Set<string> =>
  new Set(scriptsIn(directory, pid).map((url) => PACKAGE.exec(url)?.[1] ?? ''))

const loadedFor = async (t: Test, yaml: string): Promise<Set<string>> => {
  const coverage = createDirectory(t)
  const { folder } = createConfigured(t, { yaml })
  const running = await serve(t, folder, { NODE_V8_COVERAGE: coverage })
  running.child.kill('SIGTERM')
  t.equal((await running.ended).code, 0)
  return packagesIn(coverage)
}

const OPENTELEMETRY = /^@opentelemetry\//

test('OpenTelemetry is loaded where its variables ask for it, and nothing of it elsewhere', async (t) => {
  const telemetry = async (variables: Record<string, string>): Promise<string[]> => {
    const coverage = createDirectory(t)
    const { folder } = createConfigured(t, { variables })
    const running = await serve(t, folder, { NODE_V8_COVERAGE: coverage })
    running.child.kill('SIGTERM')
    t.equal((await running.ended).code, 0)
    return [...packagesIn(coverage)].filter((name) => OPENTELEMETRY.test(name)).sort()
  }
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
  t.same(await telemetry({ METRICS_ENABLED: 'false' }), [])
  t.same(await telemetry({ METRICS_ENABLED: 'false', ...endpoint, OTEL_SDK_DISABLED: 'true' }), [])
  t.same(
    await telemetry({}),
    [],
    'prom-client, which loads the package of interfaces, waits for somebody who scrapes'
  )
  const all = await telemetry({ METRICS_ENABLED: 'false', ...endpoint })
  t.ok(all.includes('@opentelemetry/exporter-trace-otlp-proto'), 'what is loaded is seen')
  t.notOk(all.includes('@opentelemetry/exporter-trace-otlp-http'), 'the other exporter is not')
})

const ALWAYS = ['commander', 'semver']

/** The packages that each command loads at the most: one more is felt by everyone who runs it. */
const LOADED = {
  '--version': ALWAYS,
  '--help': ALWAYS,
  'encryption-key new': ALWAYS,
  'init --dev --force': ALWAYS,
  'key issue': [...ALWAYS, 'jose', 'typebox'],
  'explain --client demo local:demo/greeting': [
    ...ALWAYS,
    'lru-cache',
    'typebox',
    'typebox/build/type',
    'yaml'
  ]
}

for (const [words, packages] of Object.entries(LOADED)) {
  test(`purser ${words} loads ${packages.join(', ')} and nothing else`, async (t) => {
    const coverage = createDirectory(t)
    const { folder } = createConfigured(t, { yaml: LOCAL_YAML })
    await runPurser(t, folder, words.split(' '), { env: { NODE_V8_COVERAGE: coverage } })
    const loaded = packagesIn(coverage)
    loaded.delete('')
    t.strictSame([...loaded].sort(), [...packages].sort())
  })
}

test('a start with the local store loads no SDK', async (t) => {
  const loaded = await loadedFor(t, LOCAL_YAML)
  t.ok(loaded.has('fastify'), 'what is loaded is seen')
  for (const sdk of Object.values(SDKS)) t.notOk(loaded.has(sdk), sdk)
})

/** Of other people's packages; each file is felt, and of a mistaken import there are hundreds. */
const FILES_MOST = 990

test(`a start with the local store, and its first answer, load at most ${FILES_MOST} files of packages`, async (t) => {
  const coverage = createDirectory(t)
  const { folder } = createConfigured(t, { yaml: LOCAL_YAML })
  await putLocal(folder, 'team/secret', 'correct horse')
  const running = await serve(t, folder, { NODE_V8_COVERAGE: coverage })
  const answer = await get(
    `${running.url}/v1/secrets?ref=local:team/secret`,
    await issueKey(folder)
  )
  t.equal(answer.status, 200)
  running.child.kill('SIGTERM')
  t.equal((await running.ended).code, 0)
  const counts = new Map<string, number>()
  for (const url of new Set(scriptsIn(coverage))) {
    const name = PACKAGE.exec(url)?.[1]
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const files = [...counts.values()].reduce((sum, one) => sum + one, 0)
  t.ok(counts.has('typebox'), 'what is loaded is seen')
  t.notOk(counts.has('prom-client'), 'which nobody has asked for yet')
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 12)
  t.ok(files <= FILES_MOST, `${files} files, of ${most.map((one) => one.join(' ')).join(', ')}`)
})

for (const [kind, settings] of Object.entries(STORES)) {
  test(`a start with a store of kind ${kind} loads its SDK at the most`, async (t) => {
    const yaml = `stores: [{ name: only, kind: ${kind}, ${settings} }]\n`
    const loaded = await loadedFor(t, yaml)
    for (const [other, sdk] of Object.entries(SDKS)) {
      if (other !== kind) t.notOk(loaded.has(sdk), sdk)
    }
  })
}

const OF_SUPERVISOR = /\/src\/cli\/(supervise|worker)\.js$/

test('one process loads nothing of several', async (t) => {
  const alone = createDirectory(t)
  const single = await serve(t, createConfigured(t).folder, { NODE_V8_COVERAGE: alone })
  single.child.kill('SIGTERM')
  await single.ended
  t.strictSame(
    scriptsIn(alone).filter((url) => OF_SUPERVISOR.test(url)),
    []
  )
})

test('the supervisor of several loads nothing that serves or opens a state', async (t) => {
  if (await skipWithoutRedis(t)) return
  const coverage = createDirectory(t)
  const team = await startTeam(t, {}, 2, { NODE_V8_COVERAGE: coverage })
  team.child.kill('SIGTERM')
  t.equal((await team.ended).code, 0)
  const { pid } = team.child
  t.match(
    scriptsIn(coverage, pid).filter((url) => OF_SUPERVISOR.test(url)),
    [/supervise/]
  )
  t.ok(packagesIn(coverage).has('ioredis'), 'which is what its workers do')
  const own = packagesIn(coverage, pid)
  for (const name of ['fastify', 'ioredis', 'lmdb', 'jose']) t.notOk(own.has(name), name)
})

test('a start with one store takes less than a second of a quiet machine', async (t) => {
  const { folder } = createConfigured(t, { yaml: LOCAL_YAML })
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const busy = slowness()
    const before = performance.now()
    const running = await serve(t, folder)
    times.push((performance.now() - before) / Math.max(busy, slowness()))
    running.child.kill('SIGTERM')
    await running.ended
  }
  const best = Math.min(...times)
  t.comment(`best of three: ${best.toFixed(0)} ms`)
  // A machine that runs other tests at the same time is not quiet: twice the time there.
  t.ok(best < 2_000, `${best.toFixed(0)} ms`)
})
