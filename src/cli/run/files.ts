/**
 * Secrets as files of mode 600. Rule: they stand in memory alone unless the command line says otherwise; a file is written
 * beside its place and moved there whole, so that no link is followed and no reader sees a part; nothing of a new set is
 * moved before all of it is written; and what was made is taken away at the end.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Sensitive } from '../../core/secret.ts'
import { makeFolderSync } from '../../files/folder.ts'
import { RunFailure } from './ends.ts'

/** linux/magic.h: tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])
const MEMORY_FOLDER = '/dev/shm'

export interface FileSet {
  /** The folder of groups that name none; made when it is asked for first. */
  readonly ownFolder: () => string
  /** Puts this set in the place of the former one. Throws `RunFailure`, and then the former one is there as it was. */
  readonly replace: (files: ReadonlyMap<string, Sensitive<Buffer>>) => void
  readonly remove: () => void
}

export interface FileSetOptions {
  readonly allowDisk: boolean
  /** Folders of groups, into which names come that others chose. */
  readonly groupFolders: readonly string[]
  /** Magic number of the file system of a folder. */
  readonly fileSystemOf?: (folder: string) => number
}

const cannot = (path: string, error: unknown): RunFailure =>
  error instanceof RunFailure
    ? error
    : new RunFailure(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code}).`)

const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink()

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

const writeNew = (path: string, bytes: Buffer): void => {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
  } catch (error) {
    unlinkSync(path)
    throw error
  } finally {
    closeSync(descriptor)
  }
}

const removeQuietly = (path: string, remove: (path: string) => void): void => {
  try {
    remove(path)
  } catch {
    // It is gone already, or others put something into it.
  }
}

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

/** Where it was written, and where it belongs. */
const writeBeside = (
  prepared: (folder: string) => string,
  path: string,
  content: Sensitive<Buffer>
): readonly [beside: string, place: string] => {
  try {
    const folder = prepared(dirname(path))
    const beside = join(folder, `.purser-${randomBytes(9).toString('hex')}`)
    writeNew(beside, content.reveal())
    return [beside, join(folder, basename(path))]
  } catch (error) {
    throw cannot(path, error)
  }
}

/** A rename would fail there, after others were done. */
const refuseFolder = (place: string): void => {
  if (standing(place) === place && lstatSync(place).isDirectory()) {
    throw new RunFailure(`${place}: is a folder.`)
  }
}

export const createFileSet = (options: FileSetOptions): FileSet => {
  const { allowDisk, groupFolders, fileSystemOf = (folder) => statfsSync(folder).type } = options
  const madeFolders: string[] = []
  let present: ReadonlySet<string> = new Set()
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
    const missing = missingAbove(folder)
    makeFolderSync(folder)
    madeFolders.push(...missing)
    if (groupFolders.includes(folder) && isLink(folder)) {
      throw new RunFailure(`${folder}: is a link, and a group of secrets goes to a folder alone.`)
    }
    const real = realpathSync(folder)
    if (!statSync(real).isDirectory()) throw new RunFailure(`${folder}: is no folder.`)
    requireMemory(real)
    return real
  }

  return {
    ownFolder: () => {
      if (own !== undefined) return own
      try {
        requireMemory(MEMORY_FOLDER)
        own = mkdtempSync(join(MEMORY_FOLDER, 'purser-run-'))
      } catch (error) {
        throw isMissing(error)
          ? new RunFailure(`There is no ${MEMORY_FOLDER} here: name a folder with --into.`)
          : cannot(MEMORY_FOLDER, error)
      }
      madeFolders.push(own)
      return own
    },
    replace: (files) => {
      const written: (readonly [beside: string, place: string])[] = []
      try {
        for (const [path, content] of files) written.push(writeBeside(prepared, path, content))
        for (const [, place] of written) refuseFolder(place)
        present = new Set([...present, ...written.map(([, place]) => place)])
        for (const [beside, place] of written) renameSync(beside, place)
      } catch (error) {
        for (const [beside] of written) removeQuietly(beside, unlinkSync)
        throw cannot('A file', error)
      }
      const places = new Set(written.map(([, place]) => place))
      for (const gone of present) if (!places.has(gone)) removeQuietly(gone, unlinkSync)
      present = places
    },
    remove: () => {
      for (const path of present) removeQuietly(path, unlinkSync)
      present = new Set()
      for (const folder of madeFolders.toReversed()) removeQuietly(folder, rmdirSync)
      madeFolders.length = 0
    }
  }
}
