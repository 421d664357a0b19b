/** What is resident: while many cached secrets are read, and for connections that stay open. */
import { setTimeout as sleep } from 'node:timers/promises'
import { STREAMS } from './events.ts'
import { askEach, load } from './load.ts'
import type { Options } from './options.ts'
import { type Server, startServer, within } from './processes.ts'
import { HERE, type ServiceOptions } from './service.ts'
import { hold } from './streams.ts'
import { showHead, showRow } from './table.ts'

/** As many as CACHE_MAX_ENTRIES keeps. */
const SECRETS = 10_000
const CONNECTIONS = 64
const LOOK_EVERY_MS = 1_000

type Version = readonly [name: string, root: string]

const onServer = (
  root: string,
  options: ServiceOptions,
  work: (server: Server) => Promise<void>
): Promise<void> =>
  within(async (scope) => work(await startServer(scope, { is: 'purser', root, options })))

const rssOf = async ({ used }: Server): Promise<number> => (await used()).rss / 1e6

/** The RSS in MB, each second until the work is done; the first is from before it. */
const watched = async (server: Server, work: Promise<unknown>): Promise<readonly number[]> => {
  const seen = [await rssOf(server)]
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await Promise.race([sleep(LOOK_EVERY_MS), done])
    seen.push(await rssOf(server))
  }
  return seen
}

const underReads = (seconds: number, [name, root]: Version): Promise<void> =>
  onServer(root, { secrets: SECRETS }, async (server) => {
    const { origin, keys } = server.ready
    const asks = Array.from({ length: SECRETS }, (_, n) => ({
      path: `/v1/secrets?ref=local:bench/many/${n}`,
      headers: keys[n % keys.length] ?? {}
    }))
    await askEach(origin, asks, CONNECTIONS)
    const reading = load(origin, asks, { connections: CONNECTIONS, seconds }, 200)
    const seen = await watched(server, reading)
    const { perSecond } = await reading
    const at = (share: number): string =>
      (seen[Math.round((seen.length - 1) * share)] ?? Number.NaN).toFixed(0)
    const most = Math.max(...seen).toFixed(0)
    showRow(name, `${seconds}`, perSecond.toFixed(0), at(0), at(0.5), at(1), most)
  })

/** How many are held in all; a fifth of them first, which takes the memory that was free before. */
const HELD = { idle: 2_500, stream: STREAMS } as const
const FIRST = 1 / 5

const forHeld = ([name, root]: Version, is: keyof typeof HELD): Promise<void> =>
  onServer(root, { secrets: 0 }, async (server) => {
    const first = await hold(server.ready, is, HELD[is] * FIRST)
    const before = await server.used('collect')
    const more = HELD[is] * (1 - FIRST)
    const others = await hold(server.ready, is, more)
    const after = await server.used('collect')
    first.close()
    others.close()
    const forThousand = (of: 'rss' | 'objects'): string =>
      (((after[of] - before[of]) / more) * 1e-3).toFixed(1)
    showRow(
      name,
      `${more}`,
      forThousand('rss'),
      forThousand('objects'),
      (after.rss / 1e6).toFixed(0)
    )
  })

export const measureMemory = async ({ against, memorySeconds }: Options): Promise<void> => {
  const versions: readonly Version[] = [
    ['', HERE],
    ...(against === undefined ? [] : ([[`, ${against}`, against]] as const))
  ]
  console.log(
    '\nRSS in MB, while 10,000 cached secrets of 1 KB are read in turn at 64 connections:'
  )
  showHead(
    'case',
    'seconds',
    'requests/s',
    'at the beginning',
    'in the middle',
    'at the end',
    'most'
  )
  for (const [name, root] of versions) {
    await underReads(memorySeconds, [`10,000 secrets${name}`, root])
  }
  console.log('\nMB for 1,000 connections that stay open, after a full collection:')
  showHead('case', 'measured', 'RSS', 'objects and buffers', 'RSS of the process')
  for (const [name, root] of versions) {
    await forHeld([`idle keep-alive connection${name}`, root], 'idle')
    await forHeld([`event stream${name}`, root], 'stream')
  }
}
