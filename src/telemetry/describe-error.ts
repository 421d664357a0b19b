/** An error as it may be told. Rule: of what is not ours only what cannot hold a value, by an allow-list. */
import type { ProblemError } from '../core/problem.ts'

/** The name and code of an error and where it was thrown; its message may quote a value, a URL or a peer. */
export const describeError = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code } = error as Partial<ProblemError>
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    name: error.name,
    ...(typeof code === 'string' && /^\w{1,64}$/.test(code) && { code }),
    at: frames.slice(0, 8).map((line) => line.trim())
  }
}
