/**
 * The operator's log: one JSON line per event on stdout. Rule: what is logged is built from an allow-list; a request,
 * an error of somebody else's or a configuration object is never written as it is.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import { describeError } from './describe-error.ts'
import { createLogOutput } from './log-output.ts'

interface LoggedRequest {
  readonly id: string
  readonly method: string
  readonly routeOptions?: { readonly url?: string | undefined }
}

export const createLogger = (
  level: string,
  destination: DestinationStream = createLogOutput()
): Logger =>
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
    destination
  )
