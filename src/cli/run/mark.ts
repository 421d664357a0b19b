/**
 * Which run wrote a file. Rule: in each folder that it writes into a run keeps a mark, a folder with a second link to each
 * of its files and a socket that it listens on. So its files can be told from all others, and once nobody listens, however
 * the run ended, the next one removes what is left; across containers that share the folder, too.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const NAME = /^\.purser-run-[0-9a-f]{18}$/
const LOCK = 'lock'
/** How many bytes the address of a socket may have on every system. */
const LONGEST = 100
/** From the making of a socket to its listening it takes less. */
const AGAIN_MS = 50

/** Device and inode of what stands there itself, a link too; undefined: nothing does. */
export const identityOf = (path: string): string | undefined => {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}`
}

export const quietly = (work: () => void): void => {
  try {
    work()
  } catch {
    // It is gone already, or others put something into it.
  }
}

/** Nobody else can have put anything into it. */
export const isOwnFolder = (path: string): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === process.getuid?.()
}

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export const marksIn = (folder: string): string[] =>
  namesIn(folder)
    .filter((name) => NAME.test(name))
    .map((name) => join(folder, name))
    .filter(isOwnFolder)

/** Those of the files that it marks. */
const identitiesIn = (mark: string): Set<string | undefined> =>
  new Set(namesIn(mark).map((name) => identityOf(join(mark, name))))

/** Whether a run that has a mark in the folder wrote it. */
export const isOfRun = (folder: string, identity: string): boolean =>
  marksIn(folder).some((mark) => identitiesIn(mark).has(identity))

interface Address {
  readonly path: string
  readonly close: () => void
}

/** Linux knows a folder by a descriptor too, and so keeps a long path short. */
const addressIn = (mark: string): Address => {
  const path = join(mark, LOCK)
  if (Buffer.byteLength(path) <= LONGEST) return { path, close: () => {} }
  const descriptor = openSync(mark, constants.O_RDONLY)
  return { path: `/proc/self/fd/${descriptor}/${LOCK}`, close: () => closeSync(descriptor) }
}

const listen = (address: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).unref()
    server.once('error', reject)
    server.listen(address, () => resolve(server))
  })

/** Whatever else is wrong with it, somebody may be there. */
const isRefused = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(address)
    const answered = (refused: boolean): void => {
      socket.destroy()
      resolve(refused)
    }
    socket.once('connect', () => answered(false))
    socket.once('error', (error: NodeJS.ErrnoException) => answered(error.code === 'ECONNREFUSED'))
  })

const isDead = async (mark: string): Promise<boolean> => {
  const address = addressIn(mark)
  try {
    return await isRefused(address.path)
  } finally {
    address.close()
  }
}

/** Removes what runs that were killed left in the folder. */
export const sweep = async (folder: string): Promise<void> => {
  for (const mark of marksIn(folder)) {
    if (!(await isDead(mark))) continue
    await sleep(AGAIN_MS)
    if (!(await isDead(mark))) continue
    const left = identitiesIn(mark)
    for (const path of namesIn(folder).map((name) => join(folder, name))) {
      if (left.has(identityOf(path))) quietly(() => unlinkSync(path))
    }
    for (const name of namesIn(mark)) quietly(() => unlinkSync(join(mark, name)))
    quietly(() => rmdirSync(mark))
  }
}

export interface Mark {
  /** Where links to the files belong. */
  readonly folder: string
  readonly remove: () => void
}

/** Where the system has no sockets for such a folder, nothing is ever taken for left by it. */
export const makeMark = async (within: string): Promise<Mark> => {
  for (;;) {
    const folder = join(within, `.purser-run-${randomBytes(9).toString('hex')}`)
    mkdirSync(folder, 0o700)
    const address = addressIn(folder)
    const server = await listen(address.path).catch(() => undefined)
    // Before it listened, another run may have taken it for left.
    if (server !== undefined && !existsSync(join(folder, LOCK))) {
      server.close()
      address.close()
      continue
    }
    return {
      folder,
      remove: () => {
        // It removes its socket by that address.
        server?.close()
        address.close()
        for (const name of namesIn(folder)) quietly(() => unlinkSync(join(folder, name)))
        quietly(() => rmdirSync(folder))
      }
    }
  }
}
