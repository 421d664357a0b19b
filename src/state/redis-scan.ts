/**
 * Goes through the names of a space of the state, a page at a time. Rule: Redis is asked in small steps, so that nobody
 * else waits.
 */
import type { RedisCalls } from './redis-calls.ts'
import { hashesOf, type Space } from './redis-names.ts'

export interface Label {
  readonly field: string
  /** The sealed key; empty where the field is the key. */
  readonly label: Buffer
}

const NO_BYTES = Buffer.alloc(0)

/** Every name that stands there all the time, at least once, as HSCAN promises it. */
export async function* scanLabels(
  call: RedisCalls['call'],
  prefix: string,
  space: Space,
  atATime: number
): AsyncGenerator<Label[]> {
  const { names } = hashesOf(prefix, space)
  let cursor = '0'
  do {
    const [next, found] = await call((client) =>
      client.hscanBuffer(names, cursor, 'COUNT', atATime)
    )
    cursor = next.toString()
    const labels: Label[] = []
    for (let i = 0; i + 1 < found.length; i += 2) {
      labels.push({ field: String(found[i]), label: found[i + 1] ?? NO_BYTES })
    }
    // A small hash comes whole, whatever was asked for.
    for (let i = 0; i < labels.length; i += atATime) yield labels.slice(i, i + atATime)
  } while (cursor !== '0')
}
