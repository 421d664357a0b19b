/**
 * Secrets as files of mode 600. Rule: they stand in memory alone unless the command line says otherwise; a file comes to
 * its place whole, so that no link is followed and no reader sees a part, and nothing of a new set does before all of it is
 * written; what stands there and is not of this run is never touched; and what was made is taken away at the end.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Sensitive } from '../../core/secret.ts'
import { RunFailure } from './ends.ts'
import { cannot, createFolders, type FolderOptions } from './folders.ts'
import { identityOf, isOfRun, type Mark, makeMark, quietly, sweep } from './mark.ts'

export interface FileSet {
  /** The folder of groups that name none; made when it is asked for first. */
  readonly ownFolder: () => string
  /** Puts this set in the place of the former one. Rejects with `RunFailure`, and then the former one is there as it was. */
  readonly replace: (files: ReadonlyMap<string, Sensitive<Buffer>>) => Promise<void>
  /** For good. */
  readonly remove: () => void
}

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

/** A file of this run. */
interface Written {
  readonly place: string
  /** The link to it in the mark. */
  readonly marked: string
  readonly identity: string | undefined
}

type Present = ReadonlyMap<string, Written>

const writeMarked = (mark: Mark, place: string, content: Sensitive<Buffer>): Written => {
  const marked = join(mark.folder, randomBytes(9).toString('hex'))
  writeNew(marked, content.reveal())
  return { place, marked, identity: identityOf(marked) }
}

/** Of nothing else than a file of this run anything takes the place. */
const refuseOthers = (place: string, present: Present): void => {
  const identity = identityOf(place)
  if (identity === undefined || present.get(place)?.identity === identity) return
  const isFolder = lstatSync(place).isDirectory()
  throw new RunFailure(
    isFolder
      ? `${place}: is a folder.`
      : isOfRun(dirname(place), identity)
        ? `${place}: is a file of another purser run, which goes on.`
        : `${place}: stands there already, and this run did not write it: remove it, or name another place.`
  )
}

/** In one step, either way. */
const put = ({ place, marked }: Written): void => {
  if (identityOf(place) === undefined) {
    // Fails where something came meanwhile.
    linkSync(marked, place)
    return
  }
  const again = `${marked}.new`
  linkSync(marked, again)
  try {
    renameSync(again, place)
  } catch (error) {
    unlinkSync(again)
    throw error
  }
}

const takeAway = ({ place, marked, identity }: Written): void => {
  quietly(() => {
    if (identityOf(place) === identity) unlinkSync(place)
  })
  quietly(() => unlinkSync(marked))
}

/** All of it or nothing. */
const writeAll = (
  marks: ReadonlyMap<string, Mark>,
  files: ReadonlyMap<string, Sensitive<Buffer>>
): Written[] => {
  const written: Written[] = []
  try {
    for (const [place, content] of files) {
      const mark = marks.get(dirname(place))
      if (mark !== undefined) written.push(writeMarked(mark, place, content))
    }
    return written
  } catch (error) {
    for (const { marked } of written) quietly(() => unlinkSync(marked))
    throw error
  }
}

const putBack = (one: Written, former: Written | undefined): void => {
  if (former !== undefined) put(former)
  else unlinkSync(one.place)
}

/** All of it or nothing. */
const putAll = (written: readonly Written[], present: Map<string, Written>): void => {
  const done: Written[] = []
  try {
    for (const one of written) {
      put(one)
      done.push(one)
    }
  } catch (error) {
    for (const one of done) quietly(() => putBack(one, present.get(one.place)))
    for (const { marked } of written) quietly(() => unlinkSync(marked))
    throw error
  }
  for (const one of written) {
    const former = present.get(one.place)
    if (former !== undefined) quietly(() => unlinkSync(former.marked))
    present.set(one.place, one)
  }
}

export const createFileSet = (options: FolderOptions): FileSet => {
  const folders = createFolders(options)
  const marks = new Map<string, Mark>()
  const present = new Map<string, Written>()
  let isOver = false

  const markIn = async (folder: string): Promise<void> => {
    if (marks.has(folder) || isOver) return
    const mark = await makeMark(folder)
    if (isOver) mark.remove()
    else marks.set(folder, mark)
  }

  const replace = async (files: ReadonlyMap<string, Sensitive<Buffer>>): Promise<void> => {
    const placed = new Map([...files].map(([path, content]) => [folders.placeOf(path), content]))
    if (placed.size < files.size) throw new RunFailure('Two of the files have one place.')
    if (present.size === 0) await folders.sweepOthers()
    const within = new Set([...placed.keys()].map((place) => dirname(place)))
    for (const folder of within) await sweep(folder)
    for (const place of placed.keys()) refuseOthers(place, present)
    for (const folder of within) await markIn(folder)
    // From here on nothing waits: between two files the end cannot come.
    if (isOver) return
    for (const place of placed.keys()) refuseOthers(place, present)
    const written = writeAll(marks, placed)
    putAll(written, present)
    for (const [place, one] of present) {
      if (placed.has(place)) continue
      takeAway(one)
      present.delete(place)
    }
  }

  return {
    ownFolder: folders.own,
    replace: (files) =>
      replace(files).catch((error: unknown) => {
        throw cannot('A file', error)
      }),
    remove: () => {
      isOver = true
      for (const one of present.values()) takeAway(one)
      present.clear()
      for (const mark of marks.values()) mark.remove()
      marks.clear()
      folders.remove()
    }
  }
}
