/**
 * A question to several workers. Rule: each answers, ends, or is late; so whoever asks has an answer for all of them in
 * the end.
 */
import type { Order } from './messages.ts'

/** A worker, by its number. */
export interface Member {
  readonly number: number
  /** Whether it hears. */
  readonly isThere: boolean
}

export type Send<M> = (member: M, order: Order) => void

export interface AskingOptions<A> {
  readonly patienceMs: number
  /** What stands for the answer of a worker that gives none in time. */
  readonly late: A
  /** The same of one that ends. */
  readonly gone: A
}

export interface Asking<M extends Member, A> {
  readonly all: (
    members: readonly M[],
    order: (id: number) => Order
  ) => Promise<readonly (readonly [M, A])[]>
  /** The answer of a worker. */
  readonly done: (member: M, id: number, answer: A) => void
  /** A worker has ended. */
  readonly gone: (member: M) => void
}

interface Asked<M, A> {
  readonly member: M
  readonly resolve: (answer: A) => void
}

export const createAsking = <M extends Member, A>(
  send: Send<M>,
  { patienceMs, late, gone }: AskingOptions<A>
): Asking<M, A> => {
  const asked = new Map<number, Asked<M, A>>()
  let last = 0

  const ask = (member: M, order: (id: number) => Order): Promise<readonly [M, A]> =>
    new Promise((answered) => {
      const id = ++last
      const resolve = (answer: A): void => {
        clearTimeout(timer)
        asked.delete(id)
        answered([member, answer])
      }
      const timer = setTimeout(() => resolve(late), patienceMs)
      asked.set(id, { member, resolve })
      send(member, order(id))
    })

  return {
    all: (members, order) =>
      Promise.all(members.filter(({ isThere }) => isThere).map((member) => ask(member, order))),
    done: (member, id, answer) => {
      const one = asked.get(id)
      if (one?.member === member) one.resolve(answer)
    },
    gone: (member) => {
      for (const one of [...asked.values()]) if (one.member === member) one.resolve(gone)
    }
  }
}
