/** The process and the machine that a command runs on, for `purser doctor`. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import type { Machine, Space } from '../doctor/machine.ts'

const text = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const space = (folder: string): Space => {
  const { bavail, bsize, ffree, files } = statfsSync(folder)
  return { freeBytes: bavail * bsize, freeFiles: files > 0 ? ffree : undefined }
}

/** What Docker, Podman and Kubernetes leave to be known by. */
const isContainer = (): boolean =>
  existsSync('/.dockerenv') ||
  existsSync('/run/.containerenv') ||
  (process.env['KUBERNETES_SERVICE_HOST'] ?? '') !== ''

/** With nothing of our environment but the way to it. */
const git: Machine['git'] = (folder, args, signal) =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' }
    const options = { cwd: folder, env, signal, maxBuffer: 64 * 1024 }
    execFile('git', args, options, (error, stdout) => {
      const code = error === null ? 0 : error.code
      resolve(typeof code === 'number' ? { code, stdout } : undefined)
    })
  })

export const thisMachine = (): Machine => ({
  nodeVersion: process.versions.node,
  nodeArguments: process.execArgv,
  variables: process.env,
  hearsUsr1: process.listenerCount('SIGUSR1') > 0,
  uid: process.getuid?.(),
  isContainer: isContainer(),
  text,
  space,
  git
})
