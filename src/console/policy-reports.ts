/**
 * What browsers report of the page's policy (CSP): that they kept something from running or loading, which is a fault of ours
 * or an attack. Rule: anybody can send a report, so what it says is taken from closed lists, and the log has a line a minute.
 */
import { type Static, Type } from 'typebox'
import { ProblemError } from '../core/problem.ts'
import type { BodyParser } from '../http/door.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { foreignReason, type OriginRules } from '../http/same-origin.ts'
import type { StateLog } from '../state/log.ts'

/** As browsers send it; below the console. */
export const REPORT_TYPE = 'application/csp-report'
export const REPORT_PATH = '/api/policy-report'

/** Any page can have a browser send such a body anywhere, without asking first: it is taken here alone. */
export const onlyReports =
  (parse: BodyParser): BodyParser =>
  (request, body) => {
    if (request.routeOptions.url?.endsWith(REPORT_PATH) === true) return parse(request, body)
    throw new ProblemError('unsupported_media_type')
  }

const Text = Type.Optional(Type.String({ maxLength: 4096 }))
const ReportBody = Type.Object({
  'csp-report': Type.Object({
    'effective-directive': Text,
    'violated-directive': Text,
    'blocked-uri': Text
  })
})
type ReportBody = Static<typeof ReportBody>

const DIRECTIVES: ReadonlySet<string> = new Set(
  'default-src script-src script-src-elem script-src-attr style-src style-src-elem style-src-attr img-src connect-src font-src frame-src media-src object-src worker-src manifest-src base-uri form-action frame-ancestors require-trusted-types-for trusted-types'.split(
    ' '
  )
)
const BLOCKED: ReadonlySet<string> = new Set(
  'inline eval wasm-eval self data blob trusted-types-policy trusted-types-sink'.split(' ')
)

/** In words of ours. */
const factsOf = ({ 'csp-report': report }: ReportBody) => {
  const [directive = ''] = (
    report['effective-directive'] ??
    report['violated-directive'] ??
    ''
  ).split(' ')
  const blocked = report['blocked-uri'] ?? ''
  return {
    directive: DIRECTIVES.has(directive) ? directive : 'another',
    blocked: BLOCKED.has(blocked) ? blocked : 'an address'
  }
}

export interface PolicyReportsOptions {
  readonly origins: OriginRules
  readonly log: StateLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const SAID = 'a browser kept the console from something that its policy forbids'
const EVERY_MS = 60_000

const createSaying = ({ log, now }: Pick<PolicyReportsOptions, 'log' | 'now'>) => {
  let saidAt = Number.NEGATIVE_INFINITY
  let unsaid = 0
  return (body: ReportBody): void => {
    if (Math.abs(now() - saidAt) < EVERY_MS) {
      unsaid++
      return
    }
    log('warn', SAID, { ...factsOf(body), ...(unsaid > 0 && { before: unsaid }) })
    saidAt = now()
    unsaid = 0
  }
}

export const addPolicyReports = (app: TypedFastify, options: PolicyReportsOptions): void => {
  const say = createSaying(options)
  app.post(
    REPORT_PATH,
    {
      config: { auth: { kind: 'open' }, cors: false },
      schema: { hide: true, body: ReportBody, response: { 204: Type.Null() } }
    },
    async (request, reply) => {
      // A page elsewhere may name this address in its own policy.
      if (foreignReason(request, options.origins) === 'foreign_page') {
        return Promise.reject(new ProblemError('csrf_failed', {}, 'foreign_page'))
      }
      say(request.body)
      return reply.code(204).send(null)
    }
  )
}
