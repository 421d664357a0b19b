/**
 * The folders in which secrets stand as files. Rule: they are in memory alone unless the command line says otherwise, in
 * no folder there that another user has made, a group of secrets goes to none behind a link, and those that were made go at the end.
 */
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statfsSync,
  statSync
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeFolderSync } from '../../files/folder.ts'
import { RunFailure } from './ends.ts'
import { isOwnFolder, marksIn, quietly, sweep } from './mark.ts'

/** linux/magic.h: tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])
const MEMORY_FOLDER = '/dev/shm'
const OWN_FOLDER = 'purser-run-'

export interface FolderOptions {
  readonly allowDisk: boolean
  /** Folders of groups, into which names come that others chose. */
  readonly groupFolders: readonly string[]
  /** Magic number of the file system of a folder. */
  readonly fileSystemOf?: (folder: string) => number
}

export interface Folders {
  /** Where such a path really is; its folder is there afterwards. Throws `RunFailure`. */
  readonly placeOf: (path: string) => string
  /** The folder of groups that name none; made when it is asked for first. */
  readonly own: () => string
  /** Removes what runs that were killed left of folders like our own. */
  readonly sweepOthers: () => Promise<void>
  readonly remove: () => void
}

export const cannot = (path: string, error: unknown): RunFailure =>
  error instanceof RunFailure
    ? error
    : new RunFailure(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code}).`)

const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink()

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** The nearest folder above that is there. */
const standing = (folder: string): string => {
  try {
    statSync(folder)
    return folder
  } catch (error) {
    if (!isMissing(error) || dirname(folder) === folder) throw error
    return standing(dirname(folder))
  }
}

/** Outermost first. */
const missingAbove = (folder: string): string[] => {
  const there = standing(folder)
  const missing: string[] = []
  for (let one = folder; one !== there; one = dirname(one)) missing.unshift(one)
  return missing
}

type FileSystemOf = NonNullable<FolderOptions['fileSystemOf']>

/** Anybody may have made a folder in `/dev/shm` before, and could exchange whatever stands in it or below. */
const requireOwner = (folder: string, fileSystemOf: FileSystemOf): void => {
  if (!IN_MEMORY.has(fileSystemOf(folder))) return
  if (![0, process.geteuid?.()].includes(statSync(folder).uid)) {
    throw new RunFailure(
      `${folder}: belongs to another user, who could exchange what stands in it: name a folder of your own.`
    )
  }
  if (dirname(folder) !== folder) requireOwner(dirname(folder), fileSystemOf)
}

export const createFolders = (options: FolderOptions): Folders => {
  const { allowDisk, groupFolders, fileSystemOf = (folder) => statfsSync(folder).type } = options
  const made: string[] = []
  let own: string | undefined

  const requireMemory = (folder: string): void => {
    if (allowDisk || IN_MEMORY.has(fileSystemOf(folder))) return
    throw new RunFailure(
      `${folder}: stands on no tmpfs, and secrets would be on a disk: use a folder below ${MEMORY_FOLDER} or a volume in memory, or --allow-disk.`
    )
  }

  /** The folder as it really is, which is there afterwards. */
  const prepared = (folder: string): string => {
    requireMemory(standing(folder))
    requireOwner(realpathSync(standing(folder)), fileSystemOf)
    const missing = missingAbove(folder)
    makeFolderSync(folder)
    made.push(...missing)
    if (groupFolders.includes(folder) && isLink(folder)) {
      throw new RunFailure(`${folder}: is a link, and a group of secrets goes to a folder alone.`)
    }
    const real = realpathSync(folder)
    if (!statSync(real).isDirectory()) throw new RunFailure(`${folder}: is no folder.`)
    requireMemory(real)
    requireOwner(real, fileSystemOf)
    return real
  }

  const placeOf = (path: string): string => {
    try {
      return join(prepared(dirname(path)), basename(path))
    } catch (error) {
      throw cannot(path, error)
    }
  }

  return {
    placeOf,
    own: () => {
      if (own !== undefined) return own
      try {
        requireMemory(MEMORY_FOLDER)
        own = mkdtempSync(join(MEMORY_FOLDER, OWN_FOLDER))
      } catch (error) {
        throw isMissing(error)
          ? new RunFailure(`There is no ${MEMORY_FOLDER} here: name a folder with --into.`)
          : cannot(MEMORY_FOLDER, error)
      }
      made.push(own)
      return own
    },
    sweepOthers: async () => {
      if (own === undefined) return
      const names = readdirSync(MEMORY_FOLDER).filter((name) => name.startsWith(OWN_FOLDER))
      for (const folder of names.map((name) => join(MEMORY_FOLDER, name)).filter(isOwnFolder)) {
        // One without a mark has just been made.
        if (folder === own || marksIn(folder).length === 0) continue
        await sweep(folder)
        if (marksIn(folder).length === 0) quietly(() => rmdirSync(folder))
      }
    },
    remove: () => {
      for (const folder of made.toReversed()) quietly(() => rmdirSync(folder))
      made.length = 0
    }
  }
}
