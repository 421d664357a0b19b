/**
 * How many sockets the system lets this process have. Rule: what stores, Redis and files need is not given to callers.
 */
import { readFileSync } from 'node:fs'

/** Sockets at once, however many descriptors there are; beyond them memory would be what runs out. */
const CONNECTIONS_MAX = 10_000
const RESERVED_SHARE = 3 / 8
const RESERVED_MIN = 48

/** The soft limit of open files in Linux's /proc/self/limits (proc(5)); undefined where there is none. */
export const descriptorLimitIn = (limits: string): number | undefined => {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined ? undefined : Number(soft)
}

const readLimits = (): string => {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // Not Linux.
    return ''
  }
}

export const connectionsMax = (limits = readLimits()): number => {
  const descriptors = descriptorLimitIn(limits)
  if (descriptors === undefined) return CONNECTIONS_MAX
  const reserved = Math.max(RESERVED_MIN, Math.ceil(descriptors * RESERVED_SHARE))
  return Math.min(CONNECTIONS_MAX, Math.max(8, descriptors - reserved))
}
