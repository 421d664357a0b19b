/**
 * A replica of the soak: the built service as a process, in a folder that outlives it, on a port that stays. Rule: it ends
 * only when it is ended here, and whatever it wrote to its standard error is a fault.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import {
  createConfigured,
  type Running,
  runPurser,
  startPurser,
  writeYaml
} from '../../test/support/purser-process.ts'
import { mountSmall } from '../../test/support/small-disk.ts'
import { closedPort } from '../../test/support/wire.ts'
import type { Ledger } from './ledger.ts'
import { followTrail, type Trail } from './trail.ts'

const CLOCK = new URL('./clock.js', import.meta.url).href
const HEAP_MB = 256
const DISK_KB = 1024 * 1024
const START_WITHIN_MS = 120_000

/** What one process of it has used. */
export interface Life {
  readonly number: number
  readonly since: number
  /** In MB, one every few seconds. */
  readonly resident: number[]
}

export interface SoakReplica {
  readonly index: number
  readonly url: string
  readonly agent: Agent
  readonly trail: Trail
  readonly life: () => Life
  readonly lives: readonly Life[]
  /** Whether an unanswered request that left then is explained by an end of the process. */
  readonly wasDown: (since: number) => boolean
  readonly start: () => Promise<void>
  /** Resolves once it has ended. */
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  readonly setClock: (aheadMs: number) => void
  /** Undefined where no disk may be mounted. */
  readonly disk: { readonly fill: () => void; readonly empty: () => void } | undefined
  readonly configure: (yaml: string) => void
  readonly sample: () => void
  readonly descriptors: () => number
  /** The last that its log said. */
  readonly said: () => string
  /** `purser audit verify`: undefined if it says ok. */
  readonly verify: () => Promise<string | undefined>
}

export interface SoakReplicaOptions {
  readonly index: number
  readonly yaml: string
  readonly variables: Readonly<Record<string, string>>
  readonly environ: Readonly<Record<string, string>>
  readonly ledger: Ledger
}

/** A tmpfs where the data stand, with as much room as is wanted. */
const mountDisk = (t: Pick<Test, 'teardown'>, data: string): SoakReplica['disk'] => {
  if (!mountSmall(t, data, DISK_KB)) return undefined
  const resize = (kilobytes: number): void => {
    const options = ['-o', `remount,size=${kilobytes}k`, data]
    if (spawnSync('mount', options).status !== 0) throw new Error('a disk cannot be resized')
  }
  return {
    fill: () => {
      const { blocks, bfree, bsize } = statfsSync(data)
      // What is in use, and a page more: the kernel takes no less, and one record more has no room.
      resize(Math.ceil(((blocks - bfree + 1) * bsize) / 1024))
    },
    empty: () => resize(DISK_KB)
  }
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const isLive = (url: string): Promise<boolean> =>
  fetch(`${url}/livez`, { signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false
  )

export const createReplica = async (
  t: Pick<Test, 'teardown'>,
  { index, yaml, variables, environ, ledger }: SoakReplicaOptions
): Promise<SoakReplica> => {
  const port = await closedPort()
  const url = `http://127.0.0.1:${port}`
  const { folder } = createConfigured(t, { yaml, variables: { ...variables, PORT: String(port) } })
  const data = join(folder, 'data')
  mkdirSync(data)
  const disk = mountDisk(t, data)
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 })
  t.teardown(() => agent.destroy())
  const lives: Life[] = []
  let running: Running | undefined
  let ending: NodeJS.Signals | undefined
  let downSince = Number.NEGATIVE_INFINITY
  let upSince = Number.NEGATIVE_INFINITY

  const watchEnd = async (life: number, { ended }: Running): Promise<void> => {
    const { code, signal, stderr, stdout } = await ended
    const wanted = ending === 'SIGKILL' ? signal === 'SIGKILL' : ending !== undefined && code === 0
    const said = stderr === '' ? stdout.split('\n').slice(-3).join(' ') : stderr
    const fatal = /"level":60/.test(stdout)
    const isWell = wanted && stderr === '' && !fatal
    const how = `ended with ${code ?? signal}, told ${ending ?? 'nothing'}`
    ledger.judge(
      'alive',
      isWell ? undefined : `replica ${index}, process ${life}: ${how}: ${said.slice(-500)}`
    )
  }

  const pid = (): number => running?.child.pid ?? 0
  return {
    index,
    url,
    agent,
    trail: followTrail(join(data, 'audit')),
    lives,
    life: () => lives.at(-1) ?? { number: 0, since: 0, resident: [] },
    wasDown: (since) => downSince > since || upSince > since || downSince > upSince,
    start: async () => {
      ending = undefined
      const nodeOptions = ['--import', CLOCK, `--max-old-space-size=${HEAP_MB}`]
      running = startPurser(t, folder, ['serve'], { env: environ, nodeOptions })
      const life = { number: lives.length + 1, since: performance.now(), resident: [] }
      lives.push(life)
      const ended = watchEnd(life.number, running)
      const until = performance.now() + START_WITHIN_MS
      while (!(await isLive(url))) {
        if (running.child.exitCode !== null || performance.now() > until) {
          await ended
          throw new Error(`replica ${index} does not start: ${running.output.stderr}`)
        }
        await sleep(50)
      }
      upSince = performance.now()
    },
    end: async (signal) => {
      ending = signal
      downSince = performance.now()
      running?.child.kill(signal)
      await running?.ended
    },
    setClock: (aheadMs) => {
      writeFileSync(join(folder, 'clock'), String(aheadMs))
      process.kill(pid(), 'SIGUSR2')
    },
    disk,
    configure: (text) => writeYaml(folder, text),
    sample: () => {
      if (downSince <= upSince) lives.at(-1)?.resident.push(residentMb(pid()))
    },
    descriptors: () => readdirSync(`/proc/${pid()}/fd`).length,
    said: () => running?.output.stdout.split('\n').slice(-6).join('\n') ?? '',
    verify: async () => {
      const { code, stdout, stderr } = await runPurser(t, folder, ['audit', 'verify'])
      return code === 0 ? undefined : `replica ${index}: ${stdout}${stderr}`
    }
  }
}

export const OPENAPI = fileURLToPath(new URL('../../../openapi.yaml', import.meta.url))
