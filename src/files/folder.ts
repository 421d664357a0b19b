/**
 * A folder and those above it, for their owner alone. Rule: each is made once and what fails is told: Node's own way tries for ever
 * where a folder that is there takes no other, as /proc.
 */
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const MODE = 0o700

const isCode = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException).code === code

export const makeFolderSync = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
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
