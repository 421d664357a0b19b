/** A value that components look at and that changes outside of them. */
import { useEffect, useState } from 'preact/hooks'

export interface Watched<T> {
  readonly get: () => T
  readonly set: (value: T) => void
  /** Gives back what ends it. */
  readonly watch: (listener: () => void) => () => void
}

export const createWatched = <T>(first: T): Watched<T> => {
  let value = first
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set: (next) => {
      value = next
      for (const listener of [...listeners]) listener()
    },
    watch: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
}

export const useWatched = <T>({ get, watch }: Watched<T>): T => {
  const [value, setValue] = useState(get)
  useEffect(() => {
    const look = (): void => setValue(get)
    look()
    return watch(look)
  }, [get, watch])
  return value
}
