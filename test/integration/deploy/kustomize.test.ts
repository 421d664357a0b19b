/** Each kustomization by the Kustomize of Debian's kubectl 1.20 and by today's. Rule: what both make of it is the same. */
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'tap'
import { type Manifest, renderWith } from '../../support/manifests.ts'
import { isInstalled, programOf, skipWithout } from '../../support/peers.ts'

const folders = readdirSync('deploy/kubernetes', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('kustomization.yaml'))
  .map(dirname)
  .sort()

/** The end of a generated name tells its content from another. */
const HASHED = /"purser-config-[a-z0-9]{10}"/g

const isNamed = (value: unknown): value is { name: string } =>
  typeof value === 'object' && value !== null && 'name' in value

/** Lists of named things, whose order says nothing, by their names. */
const ordered = (_key: string, value: unknown): unknown =>
  Array.isArray(value) && value.every(isNamed)
    ? value.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    : value

const sorted = (manifests: readonly Manifest[]): unknown[] =>
  manifests
    .map((one) => JSON.parse(JSON.stringify(one, ordered).replace(HASHED, '"purser-config"')))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

test('all kustomizations are read by an old Kustomize like by a new one', async (t) => {
  if (skipWithout(t, await isInstalled('kubectl', 'kubectl-debian'))) return
  const [current = '', old = ''] = [programOf('kubectl'), programOf('kubectl-debian')]
  t.ok(folders.length >= 12)
  for (const folder of folders) {
    const manifests = renderWith(old, folder)
    t.ok(manifests.length > 0, folder)
    t.strictSame(sorted(manifests), sorted(renderWith(current, folder)), folder)
  }
})
