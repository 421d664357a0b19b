/** The records of one write, and whoever waits for it. */

export interface Group {
  /** Of its first event. */
  readonly time: string
  readonly day: string
  /** None: it is there to find out whether the trail can be written. */
  readonly bodies: string[]
  /** There is no more to it than that its day has begun. */
  isTurn: boolean
  /** As `performance.now` has it. */
  readonly since: number
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export const createGroup = (time: string, day: string): Group => {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const done = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { time, day, bodies: [], isTurn: false, since: performance.now(), done, resolve, reject }
}
