/**
 * What the console's own routes answer (`src/console`): described here, since openapi.yaml has none of them. All paths are
 * below /console/api.
 */
import type { Stores } from './shapes.ts'

/** GET /sign-in: how one may sign in; open to everybody. */
export interface SignInWays {
  readonly environment: string
  /** Where a sign-in with a provider begins: a path of this origin. */
  readonly providers: readonly { readonly name: string; readonly path: string }[]
  /** Whether the browser said which page asks. */
  readonly fetchMetadata: boolean
}

/** What happened in one minute, in this process or, with Redis, as far as this process knows. */
export interface Minute {
  readonly at: string
  readonly requests: number
  /** Answered 401, 403 or 429. */
  readonly refusals: number
  /** Answered 5xx. */
  readonly failures: number
  readonly hits: number
  /** Reads that were not answered from the cache. */
  readonly misses: number
  /** Calls to stores. */
  readonly upstream: number
}

/** GET /overview, and each event `overview` of GET /overview/stream. */
export interface Overview extends Stores {
  readonly version: string
  readonly environment: string
  readonly startedAt: string
  /** The last 60, oldest first. */
  readonly minutes: readonly Minute[]
  readonly cache: { readonly secrets: number; readonly maxEntries: number }
  /** What waits for somebody: settings that need a restart, revocations that others have not heard of. */
  readonly pending: readonly string[]
}

export interface Grant {
  readonly rule: number
  readonly pattern: string
  readonly until?: string
}

/** GET /reach?client= ; with names=true also `names`, as far as stores can list and one's own client may read them, too. */
export interface Reach {
  readonly client: string
  readonly read: readonly Grant[]
  readonly write: readonly Grant[]
  readonly bots: readonly string[]
  readonly channels: readonly string[]
  readonly names?: readonly string[]
  /** There are more names than were looked at, or a store did not answer. */
  readonly isPartial?: boolean
}

/** GET /readers?ref= */
export interface Readers {
  readonly reference: string
  /** `client` is as the rule has it: a name, or * for all. */
  readonly readers: readonly {
    readonly client: string
    readonly grants: readonly Grant[]
    /** When a key of the client was last used here. */
    readonly lastUsed?: string
  }[]
}

/** GET /audit/place?instance=&seq=&day= : where a record stands in the chain; `day` is its day in UTC. */
export interface AuditPlace {
  readonly verdict: 'holds' | 'broken' | 'unknown'
  /** What was compared, or what does not agree. */
  readonly detail: string
  readonly file?: string
  readonly line?: number
  /** The number with which its segment begins. */
  readonly segmentFrom?: number
}

export interface NamedSecret {
  readonly path: string
  /** Canonical, without a version. */
  readonly reference: string
  /** In the process that was asked; what it knows of the version stands beside it. */
  readonly cached: boolean
  readonly version?: string
  readonly fetchedAt?: string
  /** Whether this administrator may write it. */
  readonly writable: boolean
}

/** GET /names?store=&path=&cursor= */
export interface Names {
  readonly names: readonly NamedSecret[]
  readonly cursor?: string
  /** A folder is not listed for the service. */
  readonly isPartial: boolean
}

/** PUT /secrets?ref= with `{value}` */
export interface Written {
  readonly ref: string
  readonly version: string
}

/** Where a credential comes from: a reference, or the configuration itself. */
export interface Source {
  readonly name: string
  readonly reference?: string
}

interface Configured {
  readonly name: string
  readonly origin: 'file' | 'runtime'
  readonly displayName?: string
  readonly sources: readonly Source[]
}

export interface Bot extends Configured {
  readonly provider?: string
}

export interface BotProvider extends Configured {
  readonly type?: string
}

export interface Channel extends Configured {
  readonly bot?: string
  readonly endpoint: string
  readonly trustedOrigins: readonly string[]
}

/** GET /integrations */
export interface Integrations {
  readonly bots: readonly Bot[]
  readonly providers: readonly BotProvider[]
  readonly channels: readonly Channel[]
}

export interface TriedSource extends Source {
  /** It could be read now. */
  readonly resolves: boolean
  /** The code of a problem, where it could not. */
  readonly code?: string
}

/** GET /integrations/{bots, providers or channels}/{name} */
export interface TriedSources {
  readonly sources: readonly TriedSource[]
}

/** POST /channels/{name}/try: a token was asked for, and thrown away at the server. */
export interface Tried {
  readonly accepted: boolean
  /** The code of a problem, where it was not. */
  readonly code?: string
}

export type Status = 'ok' | 'warn' | 'fail'

/** GET /doctor, in the shape of `purser doctor --json`, of now or of a moment ago. */
export interface Report {
  readonly examinedAt: string
  readonly environment: string
  readonly status: Status
  readonly counts: { readonly ok: number; readonly warn: number; readonly fail: number }
  readonly checks: readonly {
    readonly id: string
    readonly title: string
    readonly status: Status
    readonly idle?: string
    readonly findings: readonly { readonly status: Status; readonly message: string }[]
  }[]
}

/** GET /retention: what would go by now; nothing goes by asking. */
export interface Retention {
  readonly lookedAt: string
  readonly days: number
  /** What is of an earlier day is over its time. */
  readonly before: string
  /** Absent: the service does not purge by itself. */
  readonly everyMinutes?: number
  readonly refusal?: string
  readonly files: readonly { readonly name: string; readonly day: string }[]
  readonly lines: number
  readonly bytes: number
  readonly withoutKey: number
  readonly lostKeys: readonly string[]
  readonly entries: readonly { readonly name: string; readonly count: number }[]
}

/** POST /step-up with `{apiKey}`: who is signed in shows the key once more. Needed before a key is issued, a secret written or a session ended. */
export interface SteppedUp {
  readonly until: string
}
