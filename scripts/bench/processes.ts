/** The processes of the bench: its servers, and real peers. Rule: each ends with what has started it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Question, ServerKind, Used, UsedHere } from './server.ts'
import type { Ready } from './service.ts'

export interface Server {
  readonly ready: Ready
  readonly used: (question?: Question) => Promise<UsedHere>
}

/** What ends with a case, the last first. */
export interface Scope {
  readonly teardown: (end: () => unknown) => void
  readonly end: () => Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./server.js', import.meta.url))

const createScope = (): Scope => {
  const ends: (() => unknown)[] = []
  return {
    teardown: (end) => void ends.push(end),
    end: async () => {
      for (const end of ends.splice(0).reverse()) await end()
    }
  }
}

/** Runs the work with a scope of its own, which ends with it. */
export const within = async <T>(work: (scope: Scope) => Promise<T>): Promise<T> => {
  const scope = createScope()
  try {
    return await work(scope)
  } finally {
    await scope.end()
  }
}

/** Its next message; rejects if it ends instead. */
const heard = async <T>(child: ChildProcess): Promise<T> => {
  const waiting = new AbortController()
  const { signal } = waiting
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`a server of the bench has ended with ${code}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended])
    return message
  } finally {
    waiting.abort()
  }
}

export const startServer = async (scope: Scope, kind: ServerKind): Promise<Server> => {
  const child = fork(PROGRAM, [JSON.stringify(kind)])
  scope.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const ready = await heard<Ready>(child)
  const used = (question: Question = 'used'): Promise<UsedHere> => {
    child.send(question)
    return heard<UsedHere>(child)
  }
  return { ready, used }
}

/** Of USER_HZ, in which Linux tells of other processes' time: proc(5), sysconf(3). */
const TICK_US = 10_000
const KB = 1024

/** What a process that is not ours has used, as Linux tells it: processor time in steps of 10 ms. */
export const usedBy = async (pid: number): Promise<Used> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything: the 14th and 15th fields are user and system time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const processor = (Number(fields[11]) + Number(fields[12])) * TICK_US
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return { processor, rss: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * KB }
}
