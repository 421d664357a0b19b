/** Comparing in constant time, so that the time taken tells nobody how much of a guess is right. */
import { timingSafeEqual } from 'node:crypto'

export const isSameBytes = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

export const isSameText = (one: string, other: string): boolean =>
  isSameBytes(Buffer.from(one), Buffer.from(other))
