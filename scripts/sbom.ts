/**
 * Prints the inventory of what the image holds, for any platform: CycloneDX, made by npm from the lockfile, without a network. Rule:
 * it lists what the lockfile has for more than development. `npm sbom --omit dev` would leave out whatever a development tool uses besides.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface Component {
  readonly name: string
  readonly version: string
  readonly 'bom-ref': string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
  readonly licenses?: readonly object[]
}

export interface Sbom {
  readonly bomFormat: string
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Locked {
  /** Where the folder has another name. */
  readonly name?: string
  readonly version: string
  readonly dev?: boolean
  readonly devOptional?: boolean
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

/** Name and version of whatever is installed without development, on some platform. */
export const shippedIds = (): Set<string> => {
  const packages: Readonly<Record<string, Locked>> = json('package-lock.json').packages
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
      .map(
        ([path, { name, version }]) => `${name ?? path.replace(/^.*node_modules\//, '')}@${version}`
      )
  )
}

export const sbom = (): Sbom => {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const
  const all: Sbom = JSON.parse(execFileSync('npm', args, options))
  const shipped = shippedIds()
  const components = all.components
    .filter(({ name, version }) => shipped.has(`${name}@${version}`))
    // Of one that is installed twice npm tells what holds for either.
    .map((one) => ({ ...one, scope: 'required', properties: [] }))
  const refs = new Set(components.map((one) => one['bom-ref']))
  const root = all.metadata.component['bom-ref']
  const { name } = json('package.json')
  return {
    ...all,
    // npm calls it after the folder.
    metadata: { ...all.metadata, component: { ...all.metadata.component, name } },
    components,
    dependencies: all.dependencies
      .filter(({ ref }) => ref === root || refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
  }
}

if (import.meta.filename === process.argv[1]) {
  process.stdout.write(`${JSON.stringify(sbom(), undefined, 2)}\n`)
}
