/**
 * The version before this one, built from the history of this repository, to run beside this one and after it. Rule: it is
 * the newest released tag that is not this commit, and as long as there is none the commit below, which is moved to the last
 * one of a round of changes to formats; nothing of it is fetched, so a clone without history has none.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** As it stood before the number of the state's format had a plain name, before sessions, and before CACHE_PERSISTENT. */
const FORMER = 'aef2aebec68ba7532c5b9c0294937bc14bb8a6c1'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const NEEDED = ['src', 'package.json', 'tsconfig.json', 'openapi.yaml']

const git = (...args: readonly string[]): Buffer | undefined => {
  try {
    return execFileSync('git', args, {
      cwd: ROOT,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore']
    })
  } catch {
    return undefined
  }
}

const formerCommit = (): string => {
  const tag = git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^')
  return tag?.toString().trim() || FORMER
}

interface Package {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** What it would be run with that is not what it was released with, by name. */
const foreignIn = ({ dependencies }: Package): readonly string[] =>
  Object.entries(dependencies)
    .filter(([name, version]) => {
      const file = join(ROOT, 'node_modules', name, 'package.json')
      return !existsSync(file) || JSON.parse(readFileSync(file, 'utf8')).version !== version
    })
    .map(([name]) => name)

export interface FormerVersion {
  readonly commit: string
  /** The file that Node runs. */
  readonly program: string
}

/** Once for all tests of a file. */
let built: FormerVersion | undefined

/** Skips the test, with the reason, where it cannot be built here. */
export const buildFormerVersion = (t: Test): FormerVersion | undefined => {
  if (built !== undefined) return built
  const commit = formerCommit()
  const archive = git('archive', '--format=tar', commit, ...NEEDED)
  if (archive === undefined) {
    const why = `this clone has no history: ${commit} is not in it (git fetch --unshallow)`
    t.plan(0, why)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'purser-former-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  const foreign = foreignIn(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  if (foreign.length > 0) {
    const why = `${commit} needs other versions than are installed here of ${foreign.join(', ')}: name a later commit in test/support/former-version.ts`
    t.plan(0, why)
    return undefined
  }
  mkdirSync(join(folder, 'build'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'tsconfig.build.json'),
    '{ "extends": "./tsconfig.json", "compilerOptions": { "incremental": false, "tsBuildInfoFile": null }, "include": ["src"] }'
  )
  // It was checked when it was released.
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--noCheck'], { cwd: folder, stdio: 'inherit' })
  built = { commit, program: join(folder, 'build', 'src', 'cli', 'purser.js') }
  return built
}
