/** How many files below a folder this process has open, as Linux tells it: 0 where it does not. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = '/proc/self/fd'

export const canCountOpen = existsSync(FOLDER)

export const openBelow = (folder: string): number =>
  !canCountOpen
    ? 0
    : readdirSync(FOLDER).filter((fd) => {
        try {
          return readlinkSync(join(FOLDER, fd)).startsWith(folder)
        } catch {
          return false
        }
      }).length
