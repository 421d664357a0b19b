/** What components have in common when they ask the API. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Asking, ask, Problem } from './api.ts'

export interface Asked<T> {
  readonly data: T | undefined
  readonly problem: Problem | undefined
  readonly isBusy: boolean
  readonly again: () => void
}

interface State<T> {
  readonly question: string
  readonly data?: T | undefined
  readonly problem?: Problem | undefined
  readonly isBusy: boolean
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
  const text = JSON.stringify(query)
  // What was answered to another question is no answer to this one.
  const question = `${path} ${text}`
  const [state, setState] = useState<State<T>>({ question, isBusy: path !== undefined })
  const [turn, setTurn] = useState(0)
  const look = useCallback(
    (background: boolean, { signal }: AbortController): void => {
      if (path === undefined) return
      ask<T>(path, { query: JSON.parse(text), signal, background }).then(
        (data) => signal.aborted || setState({ question, data, isBusy: false }),
        (error) =>
          signal.aborted ||
          setState((last) => ({ ...last, question, problem: asProblem(error), isBusy: false }))
      )
    },
    [path, text, question]
  )
  // Each turn asks anew.
  useEffect(() => {
    setState((last) =>
      last.question === question
        ? { question, isBusy: path !== undefined, ...('data' in last && { data: last.data }) }
        : { question, isBusy: path !== undefined }
    )
    const ending = new AbortController()
    look(false, ending)
    return () => ending.abort()
  }, [look, turn, path, question])
  // By itself, and so apart from the above: whether it is asked again and again is no act of anybody's.
  useEffect(() => {
    if (every === undefined) return
    const ending = new AbortController()
    const timer = setInterval(() => document.hidden || look(true, ending), every)
    return () => {
      clearInterval(timer)
      ending.abort()
    }
  }, [look, every])
  const again = useCallback(() => setTurn((last) => last + 1), [])
  const isOwn = state.question === question
  return {
    data: isOwn ? state.data : undefined,
    problem: isOwn ? state.problem : undefined,
    isBusy: isOwn ? state.isBusy : path !== undefined,
    again
  }
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
