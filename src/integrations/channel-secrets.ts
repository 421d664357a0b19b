/**
 * The secrets of a channel, tried in turn. Rule: Direct Line is asked with the first that can be read and is accepted,
 * and what it answers otherwise is the answer, whatever secrets are left.
 */
import type { Caller } from '../core/caller.ts'
import type { ChannelSpec } from '../core/channel.ts'
import { ProviderFault } from '../core/fault.ts'
import { ProblemError, toProblem } from '../core/problem.ts'
import { Sensitive } from '../core/secret.ts'
import type { CallOptions } from '../kinds/provider.ts'
import type { Broker } from '../secrets/broker.ts'
import type { StateLog } from '../state/log.ts'
import { createSecretOrder } from './secret-order.ts'

export interface ChannelSecretsOptions {
  readonly readSecret: Broker['readSecret']
  /** Total deadline of what is asked of Direct Line for one token. */
  readonly timeoutMs: number
  readonly log: StateLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Rejects with a ProblemError, or with the ProviderFault of the work. */
export type WithSecret = <T>(
  caller: Caller,
  channel: ChannelSpec,
  work: (secret: Sensitive<string>, options: CallOptions) => Promise<T>
) => Promise<T>

/** The channel's own secret is at fault then, not the caller, who would look for a missing one in vain. */
const OPERATORS_OWN = new Set([
  'secret_not_found',
  'field_not_found',
  'field_required',
  'access_denied',
  'invalid_reference'
])

const asChannelFault = (problem: ProblemError): ProblemError =>
  OPERATORS_OWN.has(problem.code) ? new ProblemError('store_misconfigured') : problem

const readText = async (
  readSecret: Broker['readSecret'],
  caller: Caller,
  channel: string,
  text: string
): Promise<Sensitive<string>> => {
  const { view } = await readSecret(caller, { text }, { grant: { by: `channel ${channel}` } })
  const { selection } = view
  if ('value' in selection) return new Sensitive(selection.value.reveal().trim())
  throw new ProblemError('field_required')
}

/** What the log says of a fault of Direct Line. */
export const faultFacts = (
  { requestId }: Caller,
  channel: string,
  { reason, status, code }: ProviderFault,
  facts: { readonly secret?: number } = {}
) => ({
  requestId,
  channel,
  ...facts,
  reason,
  ...(status !== undefined && { status }),
  ...(code !== undefined && { code })
})

export const createWithSecret = (options: ChannelSecretsOptions): WithSecret => {
  const { readSecret, timeoutMs, log, now } = options
  const order = createSecretOrder(now)
  return async (caller, channel, work) => {
    const { name, secrets } = channel
    let unread: ProblemError | undefined
    let signal: AbortSignal | undefined
    for (const index of order.of(channel)) {
      let secret: Sensitive<string>
      try {
        secret = await readText(readSecret, caller, name, secrets[index] ?? '')
      } catch (error) {
        const problem = toProblem(error)
        const { requestId } = caller
        const facts = { requestId, channel: name, secret: index + 1, code: problem.code }
        log('warn', 'a secret of a channel cannot be read', facts)
        unread = asChannelFault(problem)
        continue
      }
      // It begins with the first call: how long a store takes has a deadline of its own.
      signal ??= AbortSignal.timeout(timeoutMs)
      try {
        const result = await work(secret, { signal })
        order.worked(channel, index)
        return result
      } catch (error) {
        if (!(error instanceof ProviderFault) || error.reason !== 'denied') throw error
        const facts = faultFacts(caller, name, error, { secret: index + 1 })
        log('warn', 'Direct Line does not accept a secret of a channel', facts)
      }
    }
    throw unread ?? new ProblemError('directline_rejected')
  }
}
