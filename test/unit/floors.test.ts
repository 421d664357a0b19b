// Which folder of `src` may import which, and which package: the one table of it. A folder or package that stands in none is a fault.
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { test } from 'tap'
import { catalog } from '../../src/kinds/catalog.ts'

/** From the ground up. Imports go down only, and not to a sibling on the same floor. */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['crypto', 'files', 'lifecycle.ts'],
  ['state'],
  ['audit'],
  ['kinds', 'cache', 'keys'],
  ['secrets'],
  ['events', 'integrations'],
  ['http', 'config', 'telemetry'],
  ['console', 'doors'],
  ['app', 'doctor'],
  ['app.ts'],
  ['cli']
]

const ANYWHERE = ['typebox']

/** Who imports a package, or a family of them; everybody else is given what he needs. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk': ['kinds/aws'],
  '@azure': ['kinds/azure'],
  '@fastify': ['http'],
  '@google-cloud': ['kinds/gcp'],
  '@kubernetes': ['kinds/kubernetes'],
  '@opentelemetry': ['telemetry'],
  commander: ['cli'],
  fastify: ['http', 'console', 'doors', 'app/', 'app.ts'],
  'google-gax': ['kinds/gcp'],
  helmet: ['http'],
  ioredis: ['state'],
  jose: ['crypto'],
  lmdb: ['state'],
  'lru-cache': ['kinds/aws', 'cache', 'secrets', 'keys', 'http', 'doors'],
  'node-vault': ['kinds/vault'],
  'openid-client': ['keys/oidc.ts'],
  pino: ['telemetry', 'app/', 'cli'],
  'prom-client': ['telemetry'],
  semver: ['keys', 'config', 'cli'],
  yaml: ['config', 'http', 'kinds/kubernetes', 'cli']
}

interface Import {
  readonly from: string
  /** A path below `src`, or a package. */
  readonly to: string
  readonly isOurs: boolean
}

const SRC = 'src'
const IMPORT =
  /^(?:import|export)\b[^'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm

const importsOf = (file: string): Import[] =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(IMPORT)].map((found) => {
    const to = found[1] ?? found[2] ?? found[3] ?? ''
    const isOurs = to.startsWith('.')
    return { from: file, to: isOurs ? normalize(join(file, '..', to)) : to, isOurs }
  })

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort()
const imports = files.flatMap(importsOf)
const roomOf = (path: string): string => path.split('/', 1)[0] ?? ''
const floorOf = (path: string): number => FLOORS.findIndex((floor) => floor.includes(roomOf(path)))
const told = ({ from, to }: Import): string => `${from} imports ${to}`

test('every folder of src stands on a floor, and no floor has an empty room', async (t) => {
  const rooms = new Set(files.map(roomOf))
  t.same([...rooms].sort(), FLOORS.flat().toSorted())
})

test('every folder says what belongs there', async (t) => {
  for (const room of FLOORS.flat().filter((one) => !one.endsWith('.ts'))) {
    t.match(readFileSync(join(SRC, room, 'README.md'), 'utf8'), `# ${room}\n`)
  }
})

test('the composition root fits on two screens', async (t) => {
  t.ok(readFileSync(join(SRC, 'app.ts'), 'utf8').split('\n').length <= 150)
})

test('imports go down only', async (t) => {
  const ours = imports.filter(({ isOurs }) => isOurs)
  t.ok(ours.length > files.length, 'they were found')
  const isDown = ({ from, to }: Import): boolean =>
    roomOf(from) === roomOf(to) || floorOf(to) < floorOf(from)
  t.same(ours.filter((one) => !isDown(one)).map(told), [])
})

test('values are looked at by core/fits.ts, and what of TypeBox does more is not loaded', async (t) => {
  const heavy = imports.filter(({ to }) => to === 'typebox/compile' || to === 'typebox/value')
  t.same(heavy.map(told), [])
})

test('a kind of store imports what all kinds share, and no other kind', async (t) => {
  const kindOf = (path: string): string | undefined => /^kinds\/([a-z]+)\//.exec(path)?.[1]
  const foreign = imports.filter(({ from, to }) => {
    const [own, other] = [kindOf(from), kindOf(to)]
    return own !== undefined && other !== undefined && other !== 'shared' && other !== own
  })
  t.same(foreign.map(told), [])
})

/** Who may say a kind's word besides its folder: it is about that vendor for everybody who uses it. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  'kinds/examples.ts': catalog.map(({ kind }) => kind),
  // A dialect, and not the kind of store.
  'config/door-entries.ts': ['vault'],
  'config/doors.ts': ['vault'],
  'doors/vault/index.ts': ['vault'],
  // HASHICORP_VAULT_CONFIG is a list of Vaults.
  'config/hashicorp.ts': ['vault'],
  // `purser init` asks for a Vault's address and login.
  'cli/init.ts': ['vault'],
  'cli/templates.ts': ['vault'],
  'cli/wizard.ts': ['vault'],
  // Who signs the tokens of pods.
  'config/trusts.ts': ['kubernetes'],
  // `purser key issue-all` prints a manifest.
  'cli/commands/key.ts': ['kubernetes']
}

test('a kind of store is named in its own folder', async (t) => {
  // The local store is ours, and commands are about it.
  const words = catalog.map(({ kind }) => kind).filter((kind) => kind !== 'local')
  const general = files.filter(
    (file) => !/^kinds\/[a-z]+\//.test(file) || /^kinds\/shared\//.test(file)
  )
  const named = general.flatMap((file) => {
    const text = readFileSync(join(SRC, file), 'utf8')
    return words.filter((word) => text.includes(`'${word}'`)).map((word) => [file, word] as const)
  })
  const isAllowed = ([file, word]: readonly [string, string]): boolean =>
    NAMED[file]?.includes(word) === true
  t.same(
    named.filter((one) => !isAllowed(one)),
    []
  )
  t.same(
    Object.keys(NAMED).filter((name) => !named.some(([file]) => file === name)),
    [],
    'and no exception is left over'
  )
})

test('a kind of store is reached through the catalog', async (t) => {
  const ways = ['kinds/catalog.ts', 'kinds/examples.ts']
  const direct = imports.filter(
    ({ from, to }) =>
      /^kinds\/(?!shared\/)[a-z]+\//.test(to) &&
      !from.startsWith(to.replace(/[^/]*$/, '')) &&
      !to.startsWith('kinds/local/')
  )
  t.ok(direct.length > 0, 'they were found')
  const others = direct.filter(({ from }) => !ways.includes(from))
  t.same(others.filter(({ to }) => to !== 'kinds/vault/example.ts').map(told), [])
})

test('a package is imported where it belongs', async (t) => {
  const ofPackages = imports.filter(({ to, isOurs }) => !isOurs && !to.startsWith('node:'))
  t.ok(ofPackages.length > 0, 'they were found')
  const isAllowed = ({ from, to }: Import): boolean => {
    const family = roomOf(to)
    const owners = PACKAGES[family] ?? []
    return ANYWHERE.includes(family) || owners.some((owner) => from.startsWith(owner))
  }
  t.same(ofPackages.filter((one) => !isAllowed(one)).map(told), [])
  const used = new Set(ofPackages.map(({ to }) => roomOf(to)))
  t.same(
    Object.keys(PACKAGES).filter((name) => !used.has(name)),
    [],
    'of which none is left over'
  )
})
