/** What is resident: while many cached secrets are read, and for connections that stay open. */
import { setTimeout as sleep } from 'node:timers/promises'
import { STREAMS } from './events.ts'
import { askEach, load } from './load.ts'
import type { Options } from './options.ts'
import { type Server, startServer, within } from './processes.ts'
import { HERE, type ServiceOptions, URL_PATH } from './service.ts'
import { hold } from './streams.ts'
import { showHead, showRow } from './table.ts'

/** As many as CACHE_MAX_ENTRIES keeps, without the one that is read first. */
const SECRETS = 9_999
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

const forHeld = ([name, root]: Version, is: 'stream' | 'idle'): Promise<void> =>
  onServer(root, { secrets: 0 }, async (server) => {
    const { origin, keys } = server.ready
    // Keys are opened, and code that all requests need is there, before the first is counted.
    const ask = keys.map((headers) => ({ path: URL_PATH, headers }))
    for (let n = 0; n < 20; n++) await askEach(origin, ask, 1)
    const before = await server.used('collect')
    const held = await hold(server.ready, is, STREAMS)
    const after = await server.used('collect')
    held.close()
    const eachKb = (of: 'rss' | 'objects'): string =>
      ((after[of] - before[of]) / STREAMS / 1_000).toFixed(1)
    const [from, to] = [before, after].map(({ rss }) => (rss / 1e6).toFixed(1))
    showRow(name, from ?? '', to ?? '', eachKb('rss'), eachKb('objects'))
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
  const count = STREAMS.toLocaleString('en')
  console.log(`\nRSS in MB after a full collection, before and with ${count} connections:`)
  showHead('case', 'before', 'with them', 'KB for one', 'objects and buffers, KB for one')
  for (const [name, root] of versions) {
    await forHeld([`${count} idle keep-alive connections${name}`, root], 'idle')
    await forHeld([`${count} event streams${name}`, root], 'stream')
  }
}
