/** What the manifests of `deploy/kubernetes/` take for granted of the service and of its image. */
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { variablesOf } from '../../../src/config/env.ts'
import { settingNames } from '../../../src/config/settings.ts'

const FOLDER = 'deploy/kubernetes'
const documents = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .flatMap((path) =>
    parseAllDocuments(readFileSync(`${FOLDER}/${path}`, 'utf8')).map((one) => one.toJS() as unknown)
  )

/** Every value that a member of this name has, however deep. */
const valuesOf = (name: string, within: unknown): unknown[] => {
  if (typeof within !== 'object' || within === null) return []
  return Object.entries(within).flatMap(([key, value]) => [
    ...(key === name && !Array.isArray(within) ? [value] : []),
    ...valuesOf(name, value)
  ])
}

const variables = valuesOf('env', documents).flat() as { name: string; value: string }[]

test('every variable of the manifests is a setting of Purser', async (t) => {
  const known = new Set(settingNames.flatMap(variablesOf))
  t.ok(variables.length > 10)
  t.strictSame(
    variables.map(({ name }) => name).filter((name) => !known.has(name)),
    []
  )
})

test('no secret stands in a variable, only the file that holds it', async (t) => {
  const secrets = new Set(
    settingNames.filter((name) => variablesOf(name).includes(`${name}_FILE`)) as string[]
  )
  t.strictSame(
    variables.filter(({ name }) => secrets.has(name)),
    []
  )
})

test('what is asked of the service by its path is a route of it', async (t) => {
  const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as { paths: object }
  const asked = valuesOf('httpGet', documents).map((get) => (get as { path: string }).path)
  const scraped = valuesOf('endpoints', documents).flat() as { path: string }[]
  const all = [...asked, ...scraped.map(({ path }) => path)]
  t.strictSame([...new Set(all)].sort(), ['/internal/metrics', '/livez', '/readyz'])
  for (const path of all) t.ok(path in paths, path)
})

test('the image is of this version, and its user is the one that runs it', async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  t.strictSame(valuesOf('image', documents), [`purser:${version}`])
  const [, uid, gid] = /^USER (\d+):(\d+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? []
  t.strictSame(valuesOf('runAsUser', documents), [Number(uid)])
  t.strictSame(valuesOf('runAsGroup', documents), [Number(gid)])
  t.strictSame(valuesOf('fsGroup', documents), [Number(gid)])
})

test('a pod has the time that its drain and the requests under way take', async (t) => {
  const drain = variables.find(({ name }) => name === 'DRAIN_SECONDS')?.value
  const [grace] = valuesOf('terminationGracePeriodSeconds', documents)
  t.ok(Number(drain) > 0)
  t.ok(Number(grace) > Number(drain) + 10, 'README: 10 seconds more')
})

test('the manifests say nothing that the Kustomize of kubectl 1.20 would not understand', async (t) => {
  const kustomizations = documents.filter(
    (one) => (one as { kind: string }).kind === 'Kustomization'
  ) as object[]
  const members = new Set(kustomizations.flatMap((one) => Object.keys(one)))
  const old = ['apiVersion', 'kind', 'bases', 'resources', 'configMapGenerator']
  t.strictSame([...members].sort(), [...old, 'patchesStrategicMerge'].sort())
  const files = kustomizations.flatMap((one) => (one as { resources?: string[] }).resources ?? [])
  t.strictSame(
    files.filter((file) => !file.endsWith('.yaml')),
    [],
    'a folder is a base'
  )
})
