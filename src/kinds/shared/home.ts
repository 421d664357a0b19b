/** Where SDKs look for a user's files. Rule: a container's user may have no home, and is then not asked for one. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The files below the home of the process's user; none without a home. */
export const filesAtHome = (...paths: readonly string[]): string[] => {
  try {
    const home = homedir()
    return paths.map((path) => join(home, path))
  } catch {
    return []
  }
}
