/** The geometry of charts: numbers to rectangles. Pure, so that a test can look at it. */

export interface Bar {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The least of 1, 2, 5, 10, 20, 50, ... that is no less. */
export const ceiling = (value: number): number => {
  if (!(value > 1)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

export interface Frame {
  readonly width: number
  readonly height: number
  /** What the full height stands for. */
  readonly top: number
}

/** A bar for each number, from left to right; `base` is what each stands on. */
export const barsOf = (
  values: readonly number[],
  { width, height, top }: Frame,
  base: readonly number[] = []
): readonly Bar[] => {
  const step = width / Math.max(values.length, 1)
  const scale = (value: number): number => (Math.min(Math.max(value, 0), top) / top) * height
  return values.map((value, index) => {
    const foot = scale(base[index] ?? 0)
    const tall = scale(value + (base[index] ?? 0)) - foot
    return {
      x: round(index * step + step * 0.1),
      y: round(height - foot - tall),
      width: round(step * 0.8),
      height: round(tall)
    }
  })
}

const round = (value: number): number => Math.round(value * 100) / 100

export interface Bucket {
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Moments counted in `buckets` spans of equal length, from the first to the last of them. */
export const spread = (moments: readonly number[], buckets: number): readonly Bucket[] => {
  if (moments.length === 0) return []
  const first = Math.min(...moments)
  const length = Math.max((Math.max(...moments) - first) / buckets, 1)
  const counts = Array.from({ length: buckets }, () => 0)
  for (const moment of moments) {
    const index = Math.min(Math.floor((moment - first) / length), buckets - 1)
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts.map((count, index) => ({
    from: first + index * length,
    to: first + (index + 1) * length,
    count
  }))
}
