/**
 * Where the trail's chain stood, kept outside the trail: in the log and in the state. Rule: a chain alone cannot show
 * that its end was cut off; an anchor can, and the better the further away it is kept.
 */
import type { StateLog } from '../state/log.ts'
import type { State } from '../state/state.ts'
import { type Anchor, formatAnchor, parseAnchor } from './chain-line.ts'
import type { Trail } from './trail.ts'

const PREFIX = 'audit/'
const EVERY_MS = 60_000

export interface Anchors {
  /** Logs the anchor and keeps it, in the background. */
  readonly note: (anchor: Anchor) => void
  /** Notes the trail's last line at intervals from the start on, where there is a new one; ends its day when that is over. */
  readonly watch: (trail: Pick<Trail, 'anchor' | 'endDay'>) => void
  readonly start: () => void
  /** Resolves once what was noted is kept, or cannot be. */
  readonly close: () => Promise<void>
}

export interface AnchorsOptions {
  readonly state: State
  readonly log: StateLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly everyMs?: number
}

/** One entry an instance: its last anchor, and the day on which it was noted. */
const keep = async (state: State, anchor: Anchor, day: string): Promise<void> => {
  const key = `${PREFIX}${anchor.instance}`
  const former = await state.get(key)
  await state.compareAndSet(key, former, Buffer.from(`${formatAnchor(anchor)} ${day}`))
}

const readKept = (value: Buffer) => {
  const [text = '', day = ''] = value.toString().split(' ')
  return { anchor: parseAnchor(text), day }
}

/** What the state has of all instances. Rejects where it cannot be read. */
export const keptAnchors = async (state: State): Promise<Anchor[]> => {
  const anchors: Anchor[] = []
  for await (const { value } of state.list(PREFIX)) {
    const { anchor } = readKept(value)
    if (anchor !== undefined) anchors.push(anchor)
  }
  return anchors
}

/**
 * Drops what the state has of instances of which that line, and so all, has gone; and what was noted before that day
 * (YYYY-MM-DD), whose files may have gone with the machine they were on.
 */
export const dropAnchors = async (
  state: State,
  gone: readonly Anchor[],
  before: string
): Promise<void> => {
  const lastGone = new Map(gone.map(({ instance, seq }) => [instance, seq]))
  for await (const { key, value } of state.list(PREFIX)) {
    const { anchor, day } = readKept(value)
    const isGone = anchor !== undefined && anchor.seq <= (lastGone.get(anchor.instance) ?? 0)
    if (isGone || day < before) await state.compareAndSet(key, value, undefined)
  }
}

export const createAnchors = ({ state, log, now, everyMs = EVERY_MS }: AnchorsOptions): Anchors => {
  let watched: Pick<Trail, 'anchor' | 'endDay'> | undefined
  let noted: Anchor | undefined
  let keeping = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const note = (anchor: Anchor): void => {
    noted = anchor
    log('info', 'audit anchor', { ...anchor })
    const day = new Date(now()).toISOString().slice(0, 10)
    keeping = keeping
      .then(() => keep(state, anchor, day))
      .catch(() => log('warn', 'the anchor of the audit trail cannot be kept in the state'))
  }

  return {
    note,
    watch: (trail) => {
      watched = trail
    },
    start: () => {
      timer = setInterval(() => {
        watched?.endDay()
        const anchor = watched?.anchor()
        if (anchor === undefined) return
        if (anchor.seq !== noted?.seq || anchor.instance !== noted.instance) note(anchor)
      }, everyMs).unref()
    },
    close: async () => {
      clearInterval(timer)
      await keeping
    }
  }
}
