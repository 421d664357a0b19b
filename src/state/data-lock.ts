/**
 * One service a data folder: two would mix their audit trails and miss each other's changes. Rule: a process that wants
 * the folder listens on a socket of its own in it, and holds the folder once no living process goes before it. So the
 * hold ends with the process, however that ends, and counts across containers that share the folder. Commands beside a
 * service hold nothing.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, constants, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolderSync } from '../files/folder.ts'

const NAME = /^service\.[0-9a-f]{8}\.lock$/
/** How many bytes the address of a socket may have on every system, without the socket's own name. */
const LONGEST = 70
/** How long a living process may take to say whether it holds the folder; one that says nothing is taken to hold it. */
const ANSWER_MS = 1_000
const AGAIN_MS = 20

type Standing = 'held' | 'wanted' | 'gone'

export interface DataLock {
  /** False: this file system has no sockets, so nobody can tell. */
  readonly isHeld: boolean
  readonly release: () => void
}

const errnoOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code)

const listen = (path: string, standing: () => Standing): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(standing())
    }).unref()
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })

const ask = (path: string): Promise<Standing> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const answered = (standing: Standing): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(standing)
    }
    const timer = setTimeout(() => answered('held'), ANSWER_MS)
    socket.once('data', (text) => answered(String(text) === 'wanted' ? 'wanted' : 'held'))
    socket.once('end', () => answered('gone'))
    // Nobody listens, or the file is gone: whatever else is wrong, somebody may be there.
    socket.once('error', (error) =>
      answered(/^(ECONNREFUSED|ENOENT|ECONNRESET)$/.test(errnoOf(error)) ? 'gone' : 'held')
    )
  })

/**
 * Whether no other process wants the folder, or none that goes before this one. A socket's name is used once, so that a
 * dead socket can be removed.
 */
const isFirst = async (directory: string, address: string, own: string): Promise<boolean> => {
  for (;;) {
    let isWaiting = false
    for (const name of readdirSync(directory).filter((one) => NAME.test(one) && one !== own)) {
      const standing = await ask(join(address, name))
      if (standing === 'held' || (standing === 'wanted' && name < own)) return false
      if (standing === 'gone') rmSync(join(directory, name), { force: true })
      else isWaiting = true
    }
    if (!isWaiting) return true
    await sleep(AGAIN_MS)
  }
}

/** Undefined if another one has it. */
const claim = async (directory: string, address: string): Promise<Server | undefined> => {
  let standing: Standing = 'wanted'
  for (;;) {
    const own = `service.${randomUUID().slice(0, 8)}.lock`
    const server = await listen(join(address, own), () => standing)
    // Before this socket listened, another process may have taken it for dead.
    if (!existsSync(join(directory, own))) {
      server.close()
      continue
    }
    if (await isFirst(directory, address, own)) {
      standing = 'held'
      return server
    }
    server.close()
    return undefined
  }
}

/** Rejects with an `Error` that names the folder if a service works on it. */
export const holdDirectory = async (directory: string): Promise<DataLock> => {
  let descriptor: number | undefined
  let server: Server | undefined
  try {
    makeFolderSync(directory)
    descriptor = openSync(directory, constants.O_RDONLY)
    // Linux knows a folder by a descriptor too, and so keeps a long path short.
    const address =
      Buffer.byteLength(directory) <= LONGEST ? directory : `/proc/self/fd/${descriptor}`
    server = await claim(directory, address)
  } catch {
    // Whoever needs the folder will say what is wrong with it.
    if (descriptor !== undefined) closeSync(descriptor)
    return { isHeld: false, release: () => {} }
  }
  const [held, opened] = [server, descriptor]
  if (held === undefined) {
    closeSync(opened)
    throw new Error(
      `another service works on the data folder ${directory}: end it, or give each its own DATA_DIR`
    )
  }
  return { isHeld: true, release: () => held.close(() => closeSync(opened)) }
}
