/**
 * Concurrent calls for one thing share one piece of work. Rule: only those who asked while it could still be right
 * share it: a flight that was detached lands for them, and for nobody who asks later.
 */
export interface Flight {
  /** False once the flight was detached: its result is not to be kept. */
  readonly isAttached: () => boolean
  /**
   * For work that begins only now, so that its result is right for whoever asks from now on: joins them to it, unless another
   * flight is there already.
   */
  readonly attach: () => void
}

export interface SingleFlight<T> {
  /**
   * Joins the flight under the key, or starts one. A failure is given to all who wait, and leaves nothing behind; but
   * after a failure that concerns the starter alone, the next of those who wait starts another flight. The work has to
   * end by itself: callers would join a flight that never settles for ever.
   */
  readonly join: (key: string, work: (flight: Flight) => Promise<T>) => Promise<T>
  /** From now on, a caller who joins a key that matches starts a new flight. */
  readonly detach: (matches: (key: string) => boolean) => void
}

export const createSingleFlight = <T>({
  isOfStarter = () => false
}: {
  /** Whether a failure says nothing of those who joined. */
  readonly isOfStarter?: (error: unknown) => boolean
} = {}): SingleFlight<T> => {
  const flights = new Map<string, Promise<T>>()

  const start = (key: string, work: (flight: Flight) => Promise<T>): Promise<T> => {
    const isAttached = (): boolean => flights.get(key) === flight
    const attach = (): void => {
      if (!flights.has(key)) flights.set(key, flight)
    }
    const fly = async (): Promise<T> => {
      try {
        return await work({ isAttached, attach })
      } finally {
        if (isAttached()) flights.delete(key)
      }
    }
    // One turn later, so that the flight is known before it can land.
    const flight = Promise.resolve().then(fly)
    flights.set(key, flight)
    return flight
  }

  return {
    join: async (key, work) => {
      for (;;) {
        const flight = flights.get(key)
        if (flight === undefined) return start(key, work)
        try {
          return await flight
        } catch (error) {
          if (!isOfStarter(error)) throw error
        }
      }
    },
    detach: (matches) => {
      for (const key of flights.keys()) if (matches(key)) flights.delete(key)
    }
  }
}
