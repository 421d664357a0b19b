/** What routes below /v1 answer, as far as the page looks at it; openapi.yaml has all of it. */

/** GET /v1/sessions */
export interface Session {
  readonly sessionId: string
  readonly client: string
  readonly signedInBy: 'key' | 'provider' | 'code'
  /** Where a key did. */
  readonly keyId?: string
  readonly mode: 'r' | 'w' | 'rw'
  readonly environment: string
  readonly csrfToken: string
  readonly endsAt: string
  readonly endsAtLatest: string
}

export interface OpenSession extends Omit<Session, 'csrfToken'> {
  /** The e-mail, of a sign-in at a provider. */
  readonly user?: string
  readonly subject?: string
  readonly signedInAt: string
  readonly reauthenticatedAt?: string
  readonly lastActAt: string
  readonly address?: string
  readonly own: boolean
  readonly current: boolean
}

/** GET /v1/admin/sessions */
export interface OpenSessions {
  readonly sessions: readonly OpenSession[]
}

export interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  readonly reason?: string
  readonly until?: string
}

export interface Store {
  readonly name: string
  readonly kind: string
  readonly trouble?: string
  readonly lastCheck?: { readonly ok: boolean; readonly at: string; readonly reason?: string }
  readonly login?: {
    readonly state: 'accepted' | 'refused'
    readonly since: string
    readonly nextTry?: string
    readonly reason?: string
    readonly code?: string
  }
  readonly breakers: { readonly read: Breaker; readonly list: Breaker; readonly write: Breaker }
  readonly quotaLeft?: number
}

/** GET /v1/admin/stores */
export interface Stores {
  readonly stores: readonly Store[]
  readonly replicas: number
}

export interface Check {
  readonly check: string
  readonly verdict: 'passes' | 'refuses' | 'open'
  readonly detail: string
  readonly rule?: { readonly index: number; readonly pattern: string }
}

/** GET /v1/admin/explain */
export interface Explanation {
  readonly client: string
  readonly reference?: string
  readonly allowed: boolean
  readonly checks: readonly Check[]
}

export interface KeyUse {
  readonly keyId: string
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: string
  readonly environment: string
  readonly kid: string
  readonly expiresAt?: string
  readonly via?: readonly string[]
  readonly networks?: readonly string[]
  readonly firstSeen: string
  readonly lastUsed: string
  readonly revoked: boolean
}

/** GET /v1/admin/keys */
export interface Keys {
  readonly keys: readonly KeyUse[]
  readonly cursor?: string
}

/** POST /v1/admin/keys */
export interface IssuedKey {
  readonly apiKey: string
  readonly keyId: string
  readonly client: string
  readonly expiresAt?: string
}

export interface EncryptionKey {
  readonly kid: string
  readonly active: boolean
  readonly keys: number
  readonly inUse: number
  readonly mayGo: boolean
  readonly lastUsed?: string
  readonly clients: readonly {
    readonly client: string
    readonly keys: number
    readonly lastUsed: string
    readonly quiet: boolean
  }[]
  readonly sealed: Readonly<Record<string, number>>
}

/** GET /v1/admin/encryption-keys */
export interface EncryptionKeys {
  readonly encryptionKeys: readonly EncryptionKey[]
  readonly missing: readonly { readonly kid: string }[]
}

export interface AuditRecord {
  readonly time: string
  readonly action: string
  readonly outcome: string
  readonly code?: string
  readonly reason?: string
  readonly client?: string
  readonly keyId?: string
  readonly kid?: string
  readonly sessionId?: string
  readonly route?: string
  readonly requestId?: string
  readonly address?: string
  readonly reference?: string
  readonly object?: string
  readonly version?: string
  readonly cache?: string
  readonly instance?: string
  readonly seq?: number
}

/** GET /v1/admin/audit */
export interface AuditPage {
  readonly records: readonly AuditRecord[]
  readonly cursor?: string
  readonly completeFrom?: string
  readonly skipped: number
  readonly notAsked: {
    readonly files: readonly string[]
    readonly instances: readonly string[]
    readonly replicas: number
    readonly redis: boolean
  }
}
