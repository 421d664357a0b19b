/**
 * Work that is done again and again in the background. Rule: it never runs beside itself, keeps no process alive, and
 * whoever began it ends it, in the `close` of his part.
 */
export interface Loop {
  /** Begins no further round; one that is under way goes on to its end. */
  readonly close: () => void
}

/**
 * Does the work each time so many milliseconds after it ended last, and first after as many from now; `ms` is a
 * function where they differ from round to round. What the work throws ends the process like any other unexpected
 * failure, with the name of the loop among the frames of its stack.
 */
export const every = (
  name: string,
  ms: number | (() => number),
  work: () => void | Promise<void>
): Loop => {
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const next = (): void => {
    if (isClosed) return
    timer = setTimeout(() => void round[name]?.(), typeof ms === 'number' ? ms : ms()).unref()
  }
  // A function has the name of the member that it is: that is how the stack shows it.
  const round: Readonly<Record<string, () => Promise<void>>> = {
    [name]: async () => {
      try {
        await work()
      } finally {
        next()
      }
    }
  }
  next()
  return {
    close: () => {
      isClosed = true
      clearTimeout(timer)
    }
  }
}
