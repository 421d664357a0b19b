/** Event streams that come and go. Rule: they say which of the secrets that were asked for changed, and never a value. */
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { CLIENTS, valuesIn } from './catalog.ts'
import type { Describes } from './described.ts'
import type { Chance } from './operations.ts'
import type { SoakReplica } from './replica.ts'
import type { World } from './world.ts'

const AT_ONCE = 6
const LONGEST_MS = 12_000

interface Stream {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** Undefined where there was no answer. */
const listen = (
  replica: SoakReplica,
  path: string,
  headers: Readonly<Record<string, string>>,
  ms: number
): Promise<Stream | undefined> =>
  new Promise((resolve) => {
    const request = get(replica.url + path, { headers }, (answer) => {
      let text = ''
      const { statusCode: status = 0, headers: told } = answer
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('error', () => {})
      answer.once('close', () => resolve({ status, type: told['content-type'], text }))
      if (status === 200) setTimeout(() => answer.destroy(), ms)
    })
    request.once('error', () => resolve(undefined))
    request.setTimeout(60_000, () => request.destroy())
  })

const openOne = async (
  { catalog, callers, replicas, ledger }: World,
  chance: Chance,
  describes: Describes,
  requestId: string
): Promise<void> => {
  const client = chance.pick(CLIENTS)
  const refs = new Set(Array.from({ length: 8 }, () => chance.pick(catalog.of(client)).ref))
  const query = new URLSearchParams([...refs].map((ref): [string, string] => ['ref', ref]))
  const replica = chance.pick(replicas)
  const headers = {
    authorization: `Bearer ${callers.read[client]}`,
    'x-request-id': requestId
  }
  const sentAt = performance.now()
  replica.trail.sent(requestId)
  const told = await listen(
    replica,
    `/v1/events?${query}`,
    headers,
    1_000 + chance.random() * LONGEST_MS
  )
  if (told?.status === 200) replica.trail.owes(requestId, [])
  else replica.trail.dropped(requestId)
  if (told === undefined) {
    const isExplained = replica.wasDown(sentAt)
    ledger.answer('events', isExplained ? 'none, the replica was down' : 'none')
    if (!isExplained) ledger.broke('answered', `events at replica ${replica.index}`)
    return
  }
  ledger.answer('events', String(told.status))
  const fault = describes('watchSecrets', told)
  ledger.judge('described', fault && `events (${requestId}): ${fault}`)
  const [value] = valuesIn(told.text)
  const strange = [...told.text.matchAll(/"ref":"([^"]+)"/g)].find(([, ref = '']) => !refs.has(ref))
  const what = value?.ref ?? strange?.[1]
  ledger.judge('forbidden', what && `events (${requestId}) tell of ${what}`)
}

/** `stop` resolves once all have ended. */
export const startStreams = (world: World, chance: Chance, describes: Describes) => {
  let isOver = false
  let count = 0
  const running = Array.from({ length: AT_ONCE }, async () => {
    while (!isOver) {
      await openOne(world, chance, describes, `soak-events-${++count}`)
      await sleep(200)
    }
  })
  return {
    stop: async (): Promise<void> => {
      isOver = true
      await Promise.all(running)
    }
  }
}
