/** What the program is made of: each package as the lockfile has it, under a licence that is allowed, and on a list that npm makes. */
import { readFileSync } from 'node:fs'
import { minVersion, satisfies } from 'semver'
import { test } from 'tap'
import { sbom } from '../../../scripts/sbom.ts'

interface Package {
  /** Where the folder has another name. */
  readonly name?: string
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: unknown
  readonly link?: boolean
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  /** Old packages have a list of words there. */
  readonly engines?: { readonly node?: string } | readonly string[]
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

const { packages } = json('package-lock.json') as { packages: Readonly<Record<string, Package>> }
const installed = Object.entries(packages).filter(([path]) => path !== '')
/** What the image has, on some platform at least. */
const shipped = installed.filter(([, { dev, devOptional }]) => !dev && !devOptional)
const idOf = ([path, { name, version }]: readonly [string, Package]): string =>
  `${name ?? path.replace(/^.*node_modules\//, '')}@${version}`

/** SPDX identifiers that ask for no more than to be named. */
const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense'
])
/** What packages say in another form than SPDX's, each looked at. */
const READ_BY_US: Readonly<Record<string, string>> = {
  // Public domain or MIT, as the two texts that it names.
  'tv4@1.3.0': 'MIT'
}

test('every package of the lockfile is told from any other by its SHA-512, and comes from no place but a registry', async (t) => {
  t.ok(installed.length > 300)
  for (const [path, { version = '', integrity = '', resolved = '', link }] of installed) {
    t.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, path)
    t.match(version, /^\d+\.\d+\.\d+/, path)
    t.notOk(link, path)
    t.match(resolved, /^(?:https:\/\/.*\.tgz)?$/, path)
  }
})

test('the packages that Purser asks for are of an exact version, and none runs a script when it is installed', async (t) => {
  const { dependencies, devDependencies, overrides } = json('package.json')
  for (const asked of [dependencies, devDependencies, overrides]) {
    for (const [name, version] of Object.entries(asked)) t.match(version, /^\d+\.\d+\.\d+$/, name)
  }
  t.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m)
  t.match(readFileSync('.npmrc', 'utf8'), /^save-exact=true$/m)
})

test('every package runs on the oldest Node that Purser runs on, so that npm ci has nothing to warn of', async (t) => {
  const oldest = minVersion(json('package.json').engines.node)?.version ?? ''
  const asking = installed.flatMap(([path, { engines = {} }]) =>
    'node' in engines && engines.node !== undefined ? [[path, engines.node] as const] : []
  )
  t.ok(asking.length > 200)
  for (const [path, range] of asking) t.ok(satisfies(oldest, range), `${path}: ${range}`)
})

test('every package of the image is under a licence of the list', async (t) => {
  for (const one of shipped) {
    const [path, { license }] = one
    const known = READ_BY_US[idOf(one)] ?? license
    t.ok(typeof known === 'string' && LICENCES.has(known), `${path}: ${JSON.stringify(license)}`)
  }
})

test('the tool of npm run mutate is pinned by a lockfile of its own, runs on the oldest Node, and none of it is in ours', async (t) => {
  const { dependencies } = json('scripts/mutate/package.json')
  for (const version of Object.values(dependencies)) t.match(version, /^\d+\.\d+\.\d+$/)
  const lock: { readonly packages: Readonly<Record<string, Package>> } = json(
    'scripts/mutate/package-lock.json'
  )
  const tools = Object.entries(lock.packages).filter(([path]) => path !== '')
  t.ok(tools.length > 100)
  const oldest = minVersion(json('package.json').engines.node)?.version ?? ''
  for (const [path, { integrity = '', engines = {}, license = '', hasInstallScript }] of tools) {
    t.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, path)
    if ('node' in engines) t.ok(satisfies(oldest, engines.node ?? '*'), path)
    t.notOk(hasInstallScript, path)
    // The data of browsers' versions, which are attributed; it goes nowhere.
    const isKnown = LICENCES.has(String(license)) || path === 'node_modules/caniuse-lite'
    t.ok(isKnown, `${path}: ${license}`)
  }
  t.strictSame(
    installed.filter(([path]) => path.includes('@stryker-mutator/')),
    []
  )
})

test('npm run sbom lists every package that the image may have, and no other, with its licence and its SHA-512', async (t) => {
  const { bomFormat, metadata, components, dependencies } = sbom()
  t.equal(bomFormat, 'CycloneDX')
  t.equal(metadata.component.name, 'purser')
  const listed = new Map(components.map((one) => [`${one.name}@${one.version}`, one]))
  for (const one of shipped) {
    const [, { integrity = '' }] = one
    const content = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
    const found = listed.get(idOf(one))
    t.match(found?.hashes, [{ alg: 'SHA-512', content }], idOf(one))
    t.ok(found?.licenses ?? READ_BY_US[idOf(one)], `${idOf(one)} has a licence`)
  }
  const known = new Set(shipped.map(idOf))
  t.strictSame(
    [...listed.keys()].filter((id) => !known.has(id)),
    []
  )
  t.equal(dependencies.length, components.length + 1, 'and what each needs')
})

test('docs/dependencies.md has a word for every package that Purser asks for, and for no other', async (t) => {
  const page = readFileSync('docs/dependencies.md', 'utf8')
  const { dependencies, devDependencies } = json('package.json')
  const rows = [...page.matchAll(/^\| (?!package|for development|-)([^|]+) \|/gm)].flatMap(
    ([, cell = '']) => cell.split(',').map((name) => name.trim().split(' ')[0] ?? '')
  )
  t.strictSame(rows.sort(), Object.keys({ ...dependencies, ...devDependencies }).sort())
})
