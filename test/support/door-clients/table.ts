/**
 * The table of clients in the documentation: what each makes of each case at a door of ours, beside what it makes of the
 * product itself. Rule: it is written from what was seen, and a difference has its reason or is a fault.
 */
import type { Test } from 'tap'
import { CASES, type Case, type ClientsOfDoor, type DoorClient, type Outcome } from './client.ts'

export interface Row {
  readonly client: DoorClient
  readonly seen: ReadonlyMap<
    Case,
    readonly [ours: Outcome | undefined, theirs: Outcome | undefined]
  >
}

/** Has every client ask in every case, at both places. A client that is missing has no row. */
export const askAll = async (t: Test, of: ClientsOfDoor): Promise<readonly Row[]> => {
  const there = await Promise.all(
    of.clients.map(async (client) => ((await client.available()) === true ? [client] : []))
  )
  const clients = there.flat()
  const [ours, theirs] = await Promise.all([of.openDoor(t), of.openProduct(t)])
  const seen = new Map(clients.map((client) => [client, new Map()] as const))
  for (const one of CASES) {
    for (const world of [ours, theirs]) await world.prepare(one)
    for (const client of clients) {
      const both = [
        await client.ask(one, ours.placeOf(one)),
        await client.ask(one, theirs.placeOf(one))
      ]
      seen.get(client)?.set(one, both)
    }
  }
  return clients.map((client) => ({ client, seen: seen.get(client) ?? new Map() }))
}

const shown = ({ kind, text }: Outcome): string =>
  kind === 'gives' ? 'the value' : `${kind}: ${text}`

/** What is wrong with what was seen, as sentences. */
export const faultsOf = ({ client, seen }: Row): string[] =>
  CASES.flatMap((one) => {
    const [ours, theirs] = seen.get(one) ?? []
    const reason = client.differences?.[one]
    const isSame =
      ours?.kind === theirs?.kind && (ours?.kind !== 'gives' || ours.text === theirs?.text)
    const what = `${client.name}, ${one}`
    if (isSame && reason !== undefined) return [`${what}: there is a reason for no difference`]
    if (isSame || reason !== undefined) return []
    return [`${what}: ${ours && shown(ours)}, and with the product ${theirs && shown(theirs)}`]
  })

const cell = ({ client, seen }: Row, one: Case): string => {
  const [ours, theirs] = seen.get(one) ?? []
  if (ours === undefined || theirs === undefined) return '–'
  const reason = client.differences?.[one]
  if (reason !== undefined) return `**differs**: ${reason}`
  const { kind } = ours
  return kind === 'gives' ? 'same' : `same: ${kind}`
}

/** A line of the table. */
export const rowOf = (row: Row, of: ClientsOfDoor): string =>
  `| ${[row.client.name, of.product, ...CASES.map((one) => cell(row, one))].join(' | ')} |`

export const HEAD = [
  `| client | compared with | ${CASES.join(' | ')} |`,
  `|${'---|'.repeat(CASES.length + 2)}`
]
