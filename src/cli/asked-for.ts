/**
 * What a client has asked for, by a record of the trail. Rule: an administrator who looks at what is configured, or tries
 * it, has used nothing: no rule decides on that.
 */
import type { AuditRecord } from '../audit/shown-record.ts'
import type { Grants } from '../core/policy.ts'
import { TRIED } from '../integrations/channels.ts'

/** A reference without its version, or the name of a bot or channel. */
export interface Asked {
  readonly list: keyof Grants
  readonly what: string
}

const LISTS: Readonly<Record<string, 'read' | 'write'>> = {
  'secret.read': 'read',
  'events.open': 'read',
  'secret.write': 'write',
  'secret.delete': 'write'
}

/** What uses a bot or a channel, which is the object of such a record. */
const USES: ReadonlySet<string> = new Set(['bot.read', 'token.issue', 'token.refresh'])

/** What allows a secret of a bot is the right on the bot, which has a record of its own. */
const isByGrant = ({ reason = '' }: AuditRecord): boolean => /^(?:bot|channel) /.test(reason)

/** Undefined for what no rule decides. */
export const askedIn = (record: AuditRecord): Asked | undefined => {
  const { action, reference, object = '', reason } = record
  const [, list, name] = (USES.has(action) && /^(bot|channel) (.+)$/.exec(object)) || []
  if (name !== undefined && reason !== TRIED) {
    return { list: list === 'bot' ? 'bots' : 'channels', what: name }
  }
  const verb = LISTS[action]
  if (verb === undefined || reference === undefined || isByGrant(record)) return undefined
  return { list: verb, what: reference.replace(/\?[^#]*/, '') }
}
