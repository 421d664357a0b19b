/** A disk that is soon full, for whoever may mount one. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { Test } from 'tap'

/** A disk of so few kilobytes, or false where none can be mounted. */
export const mountSmall = (
  t: Pick<Test, 'teardown'>,
  where: string,
  kilobytes: number
): boolean => {
  mkdirSync(where, { recursive: true })
  const options = ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=700`, 'tmpfs', where]
  const isMounted = spawnSync('mount', options).status === 0
  if (isMounted) t.teardown(() => void spawnSync('umount', ['--lazy', where]))
  return isMounted
}
