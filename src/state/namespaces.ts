/**
 * What stands under which name in Redis, in one table: before each key stands REDIS_KEY_PREFIX, and no value tells a
 * secret that is not sealed. Rule: a prefix is written here and nowhere else, and never changes while something of it
 * may be kept.
 */

interface Row {
  /** The file that puts it there. */
  readonly who: string
  readonly value: 'sealed' | 'plain'
  /** How long it lives. */
  readonly life: string
}

interface StateRow extends Row {
  readonly prefix: string
  /**
   * `plain`: a key's id, which is random, or a word that tells nothing. Others are sealed in Redis (redis-names.ts); on LMDB
   * all names are plain.
   */
  readonly name: 'sealed' | 'plain'
}

/** Of `State`, each in two Redis hashes of its own, so that listing one does not go through the others. */
export const STATE_SPACES = {
  store: {
    prefix: 'store/',
    who: 'kinds/local/entry.ts',
    name: 'sealed',
    value: 'sealed',
    life: 'until it is deleted; the number of the newest version even then'
  },
  runtime: {
    prefix: 'runtime/',
    who: 'integrations/resource-entries.ts',
    name: 'sealed',
    value: 'sealed',
    life: 'until it is deleted'
  },
  revoked: {
    prefix: 'revoked/',
    who: 'keys/revocations.ts',
    name: 'plain',
    value: 'plain',
    life: 'for good; of a session that was ended, until that would have ended by itself'
  },
  usage: {
    prefix: 'usage/',
    who: 'keys/usage.ts',
    name: 'plain',
    value: 'sealed',
    life: '400 days after the last use; of a login, as what it was issued'
  },
  issued: {
    prefix: 'issued/',
    who: 'keys/lineage.ts',
    name: 'plain',
    value: 'plain',
    life: '15 days longer than the key, two at most if that is of a login; for good if it has no end'
  },
  sessions: {
    prefix: 'sessions/',
    who: 'keys/session-register.ts',
    name: 'plain',
    value: 'sealed',
    life: 'until somebody looks or signs in after the session has ended; 15 days after that in any case'
  },
  /** Plain, so that whoever has no encryption key, as `purser key revoke`, can tell a format that it does not know. */
  state: {
    prefix: 'state/',
    who: 'state/format.ts',
    name: 'plain',
    value: 'plain',
    life: 'for good, once a version writes what the ones before cannot read'
  }
} as const satisfies Readonly<Record<string, StateRow>>

/** Of `State` too, but in Redis together in the hashes `rest`, with whatever has no row here. */
export const STATE_REST = {
  /** The whole name. */
  via: {
    prefix: 'keys/via',
    who: 'keys/via-floor.ts',
    name: 'sealed',
    value: 'plain',
    life: 'for good'
  },
  states: {
    prefix: 'states/',
    who: 'integrations/sealed-ends.ts',
    name: 'sealed',
    value: 'plain',
    life: 'until no sealed state under that encryption key can come back'
  },
  trails: {
    prefix: 'trail/',
    who: 'audit/redis-sink.ts',
    name: 'sealed',
    value: 'sealed',
    life: 'as long as audit records; where AUDIT_SINKS has redis'
  },
  used: {
    prefix: 'used/',
    who: 'integrations/used-states.ts',
    name: 'sealed',
    value: 'plain',
    life: 'a minute longer than the sealed state; where there is no Redis'
  },
  /** The whole name. */
  lost: {
    prefix: 'retention/lost',
    who: 'state/lost-keys.ts',
    name: 'sealed',
    value: 'plain',
    life: 'while something stands under an encryption key that has left ENCRYPTION_KEYS'
  },
  /** The whole name. */
  clock: {
    prefix: 'retention/clock',
    who: 'state/leftovers.ts',
    name: 'sealed',
    value: 'plain',
    life: 'for good'
  }
} as const satisfies Readonly<Record<string, StateRow>>

interface SharedRow extends Row {
  /** What follows it is random, or a fingerprint under an encryption key. */
  readonly prefix: string
}

/** Of `Shared`: plain Redis values, each of which ends by itself. */
export const SHARED_KEYS = {
  envelope: {
    prefix: 'cache:',
    who: 'cache/names.ts',
    value: 'sealed',
    life: "the cache's TTL and stale bound"
  },
  lease: {
    prefix: 'lease:',
    who: 'cache/names.ts',
    value: 'plain',
    life: 'half a second, renewed while a fetch is under way'
  },
  mark: {
    prefix: 'mark:',
    who: 'cache/names.ts',
    value: 'plain',
    life: 'longer than any envelope'
  },
  epoch: {
    prefix: 'epoch:',
    who: 'cache/names.ts',
    value: 'plain',
    life: 'longer than any envelope'
  },
  generation: {
    prefix: 'generation:',
    who: 'cache/names.ts',
    value: 'plain',
    life: '30 days'
  },
  limit: {
    prefix: 'limit:',
    who: 'http/reconciler.ts',
    value: 'plain',
    life: 'five seconds longer than its window'
  },
  /** The whole name. */
  revocations: {
    prefix: 'revoked:mark',
    who: 'keys/shared-revocations.ts',
    value: 'plain',
    life: 'a day'
  },
  used: {
    prefix: 'used:',
    who: 'integrations/used-states.ts',
    value: 'plain',
    life: 'a minute longer than the sealed state'
  },
  login: {
    prefix: 'login:',
    who: 'kinds/shared/login-board.ts',
    /** The refusal is sealed; the lease on a login beside it is a random word. */
    value: 'sealed',
    life: 'an hour longer than the refusal is in force; the lease twelve seconds'
  },
  audit: {
    prefix: 'audit:',
    who: 'audit/redis-sink.ts',
    value: 'sealed',
    life: 'a week after the last record of that process'
  },
  check: {
    prefix: '{check:',
    who: 'state/redis-rights.ts',
    value: 'plain',
    life: 'ten seconds'
  }
} as const satisfies Readonly<Record<string, SharedRow>>

/** The one channel of all messages; the first line of a message is its topic. */
export const CHANNEL = 'messages'

/** Of messages, by who sends and hears them; none tells a name or a value. */
export const TOPICS = {
  invalidate: { topic: 'invalidate', who: 'cache/invalidation-sharing.ts' },
  revoked: { topic: 'revoked', who: 'keys/shared-revocations.ts' },
  objects: { topic: 'objects', who: 'integrations/run-time-resources.ts' },
  replica: { topic: 'replica', who: 'state/replica-count.ts' }
} as const
