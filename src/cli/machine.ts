/** The process and the machine that a command runs on, for `purser doctor`. */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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

const mayWrite = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const PROGRAM = fileURLToPath(new URL('./purser.js', import.meta.url))

/** All that a probe answers comes in one piece; more is nobody's of ours. */
const ask: Machine['ask'] = async (host, port, path, signal) => {
  const shown = host.includes(':') ? `[${host}]` : host
  const url = `http://${shown}:${port}${path}`
  const answer = await fetch(url, { signal, redirect: 'manual' }).catch(() => undefined)
  if (answer === undefined) return undefined
  const reader = answer.body?.getReader()
  const piece = await reader?.read()
  await reader?.cancel()
  return { status: answer.status, text: Buffer.from(piece?.value ?? []).toString() }
}

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
  mayChangeProgram: mayWrite(PROGRAM),
  ask,
  text,
  space,
  git
})
