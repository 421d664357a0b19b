/** Checks of where secrets and state lie on the disk, and of who else gets at them. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { CHANGEABLE, secretFiles } from '../../config/exposure.ts'
import { workTreeOf } from '../../files/work-tree.ts'
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'

/** What web servers serve, by the names that folders for it have. */
const SERVED = /^(public|public_html|static|www|wwwroot|htdocs|html|webroot)$/i

const servedFolder = (file: string): string | undefined => {
  const folders = dirname(file).split(sep)
  // What holds all sites is none of them: /var/www/app is not served by itself.
  return folders.find(
    (name, at) => SERVED.test(name) && !(name === 'www' && folders[at - 1] === 'var')
  )
}

interface Lying {
  readonly place: string
  readonly path: string
}

const envFileOf = ({ envFile }: Installation): Lying[] =>
  existsSync(envFile.path) ? [{ place: envFile.label, path: envFile.path }] : []

const allSecretFiles = (on: Installation): Lying[] => [
  ...envFileOf(on),
  ...secretFiles(on.settings, on.envFile.all, on.folder).filter(({ path }) => existsSync(path))
]

const GIT_SECONDS = 5

/** Nothing that the repository's own configuration names is run. */
const git = async (
  { machine }: Installation,
  folder: string,
  ...args: string[]
): ReturnType<Installation['machine']['git']> => {
  const still = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '--no-pager']
  return machine.git(folder, [...still, ...args], AbortSignal.timeout(GIT_SECONDS * 1000))
}

const trackedFindings = async (on: Installation, { place, path }: Lying): Promise<Finding[]> => {
  const tree = workTreeOf(path)
  if (tree === undefined) return []
  const file = path.slice(tree.length + 1)
  const found = await git(on, tree, 'ls-files', '--error-unmatch', '--', file)
  if (found?.code === 0) {
    return [
      fail(
        `${place} is tracked by git: \`git rm --cached\` it, and replace every secret in it, since the history keeps them`
      )
    ]
  }
  // 1 is git's own word for a file that it does not know.
  if (found?.code !== 1) return [untold(`whether git tracks ${place}: ask it with git ls-files`)]
  const past = await git(on, tree, 'log', '--all', '-1', '--format=%h', '--', file)
  if (past?.code === 0 && past.stdout.trim() !== '') {
    return [
      fail(`${place} was committed once: replace every secret in it, since the history keeps them`)
    ]
  }
  const ignored = await git(on, tree, 'check-ignore', '-q', '--', file)
  return ignored?.code === 1
    ? [warn(`${place} is not ignored by git: add it to .gitignore before it is committed`)]
    : []
}

const GROUP_AND_OTHERS = 0o077

const modeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mode

const isOpenTo = (path: string, bits: number): boolean => ((modeOf(path) ?? 0) & bits) !== 0

const stateFiles = (dataDir: string): string[] => {
  const folder = join(dataDir, 'state')
  try {
    return readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => isOpenTo(path, GROUP_AND_OTHERS))
  } catch {
    return []
  }
}

export const dataDirOf = ({ settings, folder }: Installation): string =>
  resolve(folder, settings.DATA_DIR ?? './data')

/** The folder, or what of it is there yet. */
export const existing = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder))

export const filesChecks: readonly Check[] = [
  {
    id: 'env-file-mode',
    title: 'the file of settings is for its owner alone',
    places: 'the file of settings'
  },
  {
    id: 'env-file-place',
    title: 'the file of settings lies outside repositories and served folders',
    run: (on) =>
      envFileOf(on).flatMap(({ place, path }) => {
        const served = servedFolder(path)
        return [
          ...when(
            served !== undefined,
            fail(
              `${place} lies below a folder called ${served}, as web servers serve: move it, for example to /etc/purser, and set ENV_FILE`
            )
          ),
          ...when(
            workTreeOf(path) !== undefined,
            warn(
              `${place} lies in a git working tree: keep it elsewhere, for example in /etc/purser, and set ENV_FILE`
            )
          )
        ]
      })
  },
  {
    id: 'secrets-untracked',
    title: 'no file with secrets is known to git',
    run: async (on) =>
      (await Promise.all(allSecretFiles(on).map((file) => trackedFindings(on, file)))).flat()
  },
  {
    id: 'secret-files',
    title: 'files with secrets are not open to everybody',
    says: [CHANGEABLE],
    topics: ['files']
  },
  {
    id: 'data-dir-mode',
    title: 'DATA_DIR is for its owner alone',
    run: (on) => {
      const dataDir = dataDirOf(on)
      const files = stateFiles(dataDir)
      return [
        ...when(
          isOpenTo(dataDir, 0o022),
          failInEarnest('DATA_DIR can be changed by others than its owner: chmod 700 it')
        ),
        ...when(
          isOpenTo(dataDir, 0o005),
          warn('DATA_DIR can be entered by everybody on this machine: chmod 700 it')
        ),
        ...when(
          files.length > 0 && isOpenTo(dataDir, 0o011),
          failInEarnest(`${files.length} files of the state are open to others: chmod 600 them`)
        )
      ]
    }
  }
]
