/** Whether a file lies where git may come to know it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The git working tree that a file lies in, whether or not git knows the file. */
export const workTreeOf = (file: string): string | undefined => {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder
    if (dirname(folder) === folder) return undefined
  }
}
