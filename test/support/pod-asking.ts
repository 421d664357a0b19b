/** All clients of a pod with one token: either each of them reads the whole group and nothing of another, or none gets anything. */
import type { Test } from 'tap'
import { POD_CLIENTS, type PodClient, type Seen, tokenFileOf } from './pod-clients.ts'
import { type PodService, tellsValue } from './pod-service.ts'
import type { WrongToken } from './pod-tokens.ts'

/** Each reads with the token, all at once. */
const readAll = (
  t: Test,
  service: PodService,
  token: string,
  clients: readonly PodClient[]
): Promise<readonly (readonly [PodClient, Seen])[]> => {
  const file = tokenFileOf(t, token)
  return Promise.all(
    clients.map(async (client) => [client, await client.read(t, service, file)] as const)
  )
}

export const readsGroup = async (
  t: Test,
  service: PodService,
  token: string,
  clients = POD_CLIENTS
): Promise<void> => {
  for (const [{ name, forbidden }, seen] of await readAll(t, service, token, clients)) {
    t.strictSame(seen.values, service.team.values, `${name}: ${seen.error} ${seen.text}`)
    t.match(seen.others, forbidden, name)
    t.notOk(tellsValue(JSON.stringify(seen.others)), name)
  }
}

/** For the reason that it has, on record. */
export const isRefused = async (
  t: Test,
  service: PodService,
  wrong: WrongToken,
  clients = POD_CLIENTS
): Promise<void> => {
  const before = (await service.logins()).length
  const all = await readAll(t, service, wrong.token, clients)
  for (const [{ name, refused }, seen] of all) {
    t.equal(seen.values, undefined, `${wrong.what}: ${name}`)
    t.match(seen, refused, `${wrong.what}: ${name}`)
    t.notOk(tellsValue(JSON.stringify(seen)), `${wrong.what}: ${name}`)
  }
  const logins = (await service.logins()).slice(before)
  t.ok(logins.length >= all.length, wrong.what)
  const told = new Set(logins.map(({ outcome, reason }) => `${outcome} ${reason}`))
  t.same(told, new Set([`denied ${wrong.reason}`]), wrong.what)
}
