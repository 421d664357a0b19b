/**
 * The callers of the soak. Rule: open loop. A request leaves when its time has come, whatever became of those before, at a
 * replica by chance, also at one that is down.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, ask } from '../../test/support/replicas.ts'
import type { Asked } from './judge.ts'
import { type Chance, nextQuestion } from './operations.ts'
import type { World } from './world.ts'

const TICK_MS = 10
/** Under way at once; beyond that requests are left out, and counted. */
const MOST = 2_000

export type Judge = (asked: Asked, answer: Answer) => void

export interface Calling {
  readonly sent: () => number
  readonly leftOut: () => number
  /** Resolves once everything is answered. */
  readonly stop: () => Promise<void>
}

let count = 0

/** Asks the next question, and judges what comes of it. */
const callOnce = async (world: World, chance: Chance, judge: Judge): Promise<void> => {
  const { ledger, links, replicas } = world
  const question = nextQuestion(world, chance)
  const replica = chance.pick(replicas)
  const requestId = `soak-${++count}-${question.name.replace(/\W+/g, '-')}`
  const asked = {
    question,
    replica,
    requestId,
    sentAt: performance.now(),
    life: replica.life().number,
    hasRedisSince: links.since(replica.index)
  }
  const { method, path, payload } = question
  const headers = { ...question.headers, 'x-request-id': requestId }
  replica.trail.sent(requestId)
  let answer: Answer
  try {
    const request = { method, headers, ...(payload && { payload }) }
    answer = await ask(replica.agent, replica.url + path, request)
  } catch (error) {
    replica.trail.dropped(requestId)
    const isExplained = replica.wasDown(asked.sentAt)
    ledger.answer(question.name, isExplained ? 'none, the replica was down' : 'none')
    const what = `${question.name} at replica ${replica.index} (${requestId}): ${error}`
    if (!isExplained) ledger.broke('answered', what)
    return
  }
  ledger.held('answered')
  judge(asked, answer)
}

export const startCalling = (
  world: World,
  chance: Chance,
  judge: Judge,
  perSecond: number
): Calling => {
  const began = performance.now()
  const underWay = new Set<Promise<void>>()
  let sent = 0
  let leftOut = 0
  const tick = (): void => {
    const due = ((performance.now() - began) / 1_000) * perSecond
    while (sent + leftOut < due) {
      if (underWay.size >= MOST) {
        leftOut++
        continue
      }
      sent++
      const call = callOnce(world, chance, judge).finally(() => underWay.delete(call))
      underWay.add(call)
    }
  }
  const timer = setInterval(tick, TICK_MS)
  return {
    sent: () => sent,
    leftOut: () => leftOut,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
    }
  }
}

const CALLERS = 12

/** How many of these questions a second are answered where each caller waits for its answer. */
export const measureCapacity = async (
  world: World,
  chance: Chance,
  judge: Judge,
  seconds: number
): Promise<number> => {
  let answered = 0
  const isOver = sleep(seconds * 1_000, true)
  let hasEnded = false
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!hasEnded) {
      await callOnce(world, chance, judge)
      answered++
    }
  })
  await isOver
  hasEnded = true
  await Promise.all(callers)
  return answered / seconds
}
