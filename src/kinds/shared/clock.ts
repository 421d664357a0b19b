/**
 * What time it is at a peer, by the Date of an answer (RFC 9110, 6.6.1). Rule: no credential is sent, since any answer,
 * a refusal too, has it.
 */
import type { CallOptions } from '../provider.ts'
import { createTransport, type HttpAnswer } from './http-transport.ts'
import type { Route } from './proxy.ts'
import { trustOf } from './trust.ts'

/** Milliseconds since the epoch, to the second; undefined where there is none. */
export const timeOf = ({ date }: Pick<HttpAnswer, 'date'>): number | undefined => {
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? undefined : at
}

/** For a peer that is otherwise reached by an SDK: a connection of its own, ended with the call. */
export const askTime = async (
  origin: string,
  { caCertFile, route }: { readonly caCertFile?: string | undefined; readonly route: Route },
  { signal }: CallOptions
): Promise<number | undefined> => {
  const transport = createTransport(origin, await trustOf(caCertFile, route))
  try {
    return timeOf(await transport.send({ method: 'GET', url: `${origin}/`, headers: {}, signal }))
  } finally {
    transport.close()
  }
}
