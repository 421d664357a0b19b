/** The trail of several processes, asked through any of them; what is elsewhere is said to be. */
import { test } from 'tap'
import { issueKey, serve } from '../support/purser-process.ts'
import { eventually, skipWithoutRedis } from '../support/redis.ts'
import { askAnew, startTeam } from '../support/worker-team.ts'

interface Page {
  readonly records: readonly Readonly<Record<'time' | 'requestId' | 'instance', string>>[]
  readonly cursor?: string
  readonly notAsked: { readonly replicas: number }
}

test('what two workers recorded is told page by page by whichever is asked, and of a replica elsewhere that it was not', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { url, folder } = await startTeam(t)
  const key = await issueKey(folder)
  const admin = await issueKey(folder, { client: 'operator', scopes: ['aura-admin'] })
  const as = (of: string) => ({ authorization: `Bearer ${of}` })
  const names = Array.from({ length: 8 }, (_, i) => `read-${i}`)
  const read = `${url}/v1/secrets?ref=local:other/x`
  for (const id of names) await askAnew(read, { ...as(key), 'x-request-id': id })
  const ask = async (cursor = ''): Promise<Page> => {
    const asked = `${url}/v1/admin/audit?client=app&limit=3&cursor=${cursor}`
    return (await askAnew(asked, as(admin))).body as unknown as Page
  }

  const pages: Page[] = [await ask()]
  for (let next = pages[0]?.cursor; next !== undefined; next = pages.at(-1)?.cursor) {
    pages.push(await ask(next))
  }
  const records = pages.flatMap((page) => page.records)
  t.same(records.map(({ requestId }) => requestId).sort(), names, 'each of them once')
  const times = records.map(({ time }) => time)
  t.same(times, times.toSorted().reverse(), 'newest first')
  t.equal(new Set(records.map(({ instance }) => instance)).size, 2, 'each worker had its turn')
  t.same(pages[0]?.notAsked, { files: [], instances: [], replicas: 0, redis: false })

  await serve(t, folder, { DATA_DIR: 'data-2', WORKERS: '1' })
  await eventually(async () => (await ask()).notAsked.replicas === 1)
})
