/** Checks of the service that runs here, if one does. */
import { asJson } from '../../core/json.ts'
import { type Check, type Finding, fail, warn } from '../check.ts'
import type { Installation } from '../installation.ts'

const WITHIN_MS = 3_000

/** Where everybody is listened to, this machine is too. */
const hereOf = (host: string): string =>
  host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host

const STATUSES = ['ok', 'degraded', 'unavailable'] as const

/** Words of ours, one or a list of them; whoever else listens there may say anything. */
const wordsIn = (answer: unknown, member: string): string =>
  [(answer as Record<string, unknown> | undefined)?.[member]]
    .flat()
    .filter((word) => typeof word === 'string' && /^[a-z_]{1,40}$/.test(word))
    .join(', ')

const ofService = async ({ settings, machine }: Installation): Promise<readonly Finding[]> => {
  const { HOST = '127.0.0.1', PORT = 8700 } = settings
  const signal = AbortSignal.timeout(WITHIN_MS)
  const answer = await machine.ask(hereOf(HOST), PORT, '/readyz', signal)
  if (answer === undefined) return []
  const said = asJson(answer.text)
  const status = STATUSES.find((one) => one === wordsIn(said, 'status'))
  const isProblem = answer.status === 503
  if (answer.status === 200 && status === 'ok') return []
  const reasons = wordsIn(said, 'reasons')
  const reason = isProblem ? wordsIn(said, 'code') : reasons || wordsIn(said, 'reason')
  const why = reason === '' ? '' : ` (${reason})`
  if (answer.status === 200 && status === 'degraded') {
    return [warn(`the service that runs here is degraded${why}: its log says of what`)]
  }
  return isProblem
    ? [fail(`the service that runs here cannot answer${why}: its log says why`)]
    : [warn('something else than this service listens at PORT: end it, or take another port')]
}

export const serviceChecks: readonly Check[] = [
  {
    id: 'service-ready',
    title: 'the service that runs here, if one does, can answer',
    idle: ({ settings }) =>
      settings.TLS_CERT_FILE === undefined ? undefined : 'its TLS is for callers to verify',
    run: ofService
  }
]
