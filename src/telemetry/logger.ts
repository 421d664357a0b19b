/**
 * The operator's log: one JSON line per event on stdout. Rule: what is logged is built from an allow-list; a request, an
 * error of somebody else's or a configuration object is never written as it is.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
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

interface LoggedRequest {
  readonly id: string
  readonly method: string
  readonly routeOptions?: { readonly url?: string | undefined }
}

export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: describeError,
        error: describeError,
        req: ({ id, method, routeOptions }: LoggedRequest) => ({
          id,
          method,
          route: routeOptions?.url
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode })
      }
    },
    ...(destination === undefined ? [] : [destination])
  )
