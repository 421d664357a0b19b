/** What components have in common when they ask the API. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Asking, ask, Problem } from './api.ts'

export interface Asked<T> {
  readonly data: T | undefined
  readonly problem: Problem | undefined
  readonly isBusy: boolean
  readonly again: () => void
}

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem(0, 'page_fault', 'the page made a mistake: load it anew')

/**
 * Asks when `path` or its question changes (undefined: not at all), and again by itself only where `every` says so, in
 * milliseconds: each look of an administrator is on record.
 */
export const useAsk = <T>(
  path: string | undefined,
  query: Asking['query'] = {},
  every?: number
): Asked<T> => {
  const [state, setState] = useState<Omit<Asked<T>, 'again'>>({
    data: undefined,
    problem: undefined,
    isBusy: path !== undefined
  })
  const [turn, setTurn] = useState(0)
  const text = JSON.stringify(query)
  useEffect(() => {
    if (path === undefined) {
      setState({ data: undefined, problem: undefined, isBusy: false })
      return
    }
    const ending = new AbortController()
    const { signal } = ending
    const load = (background: boolean): void => {
      ask<T>(path, { query: JSON.parse(text), signal, background }).then(
        (data) => signal.aborted || setState({ data, problem: undefined, isBusy: false }),
        (error) =>
          signal.aborted ||
          setState((last) => ({ data: last.data, problem: asProblem(error), isBusy: false }))
      )
    }
    setState((last) => ({ ...last, isBusy: true }))
    load(false)
    const look = (): void => {
      if (!document.hidden) load(true)
    }
    const timer = every === undefined ? undefined : setInterval(look, every)
    return () => {
      ending.abort()
      clearInterval(timer)
    }
  }, [path, text, every, turn])
  const again = useCallback(() => setTurn((last) => last + 1), [])
  return { ...state, again }
}

export interface Act {
  readonly isBusy: boolean
  readonly problem: Problem | undefined
  /** Runs one act at a time; what goes wrong is `problem`. */
  readonly run: (act: () => Promise<void>) => void
}

export const useAct = (): Act => {
  const [state, setState] = useState<Omit<Act, 'run'>>({ isBusy: false, problem: undefined })
  const isRunning = useRef(false)
  const run = useCallback((act: () => Promise<void>): void => {
    if (isRunning.current) return
    isRunning.current = true
    setState({ isBusy: true, problem: undefined })
    act()
      .then(
        () => setState({ isBusy: false, problem: undefined }),
        (error) => setState({ isBusy: false, problem: asProblem(error) })
      )
      .finally(() => {
        isRunning.current = false
      })
  }, [])
  return { ...state, run }
}

/** Milliseconds since the epoch, anew each half minute. */
export const useNow = (): number => {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return now
}
