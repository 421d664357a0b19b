/**
 * A folder and those above it, for their owner alone. Rule: each folder is made once, and a failure is thrown. Node's
 * own `recursive` tries for ever where an existing folder takes no other, as /proc does.
 */
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const MODE = 0o700

const isCode = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException).code === code

/** `throwIfNoEntry` would do, but since Node 22 it keeps silent about a file above the path as well. */
const isThereSync = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
    return false
  }
}

export const makeFolderSync = (path: string): void => {
  if (isThereSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolderSync(parent)
  try {
    mkdirSync(path, MODE)
  } catch (error) {
    // Somebody else was first.
    if (!isCode(error, 'EEXIST') || !statSync(path).isDirectory()) throw error
  }
}

export const makeFolder = async (path: string): Promise<void> => {
  const there = await stat(path).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error
  })
  if (there?.isDirectory()) return
  const parent = dirname(path)
  if (parent !== path) await makeFolder(parent)
  await mkdir(path, MODE).catch(async (error: unknown) => {
    if (!isCode(error, 'EEXIST') || !(await stat(path)).isDirectory()) throw error
  })
}
