/**
 * What is known of the issuers that people have: where their keys are, what of their tokens says who somebody is, and what
 * only seems to. Rule: a preset takes nothing that can be given to somebody else (a name) for what cannot (a number); facts
 * are those that the issuers document.
 */
import type { BoundClaim, KeySource, Trust } from '../keys/trust.ts'

/** What is bound, by the name in `bind:`. */
export type Bind = ReadonlyMap<string, readonly string[]>

export interface Preset {
  readonly kind: Trust['kind']
  /** Undefined: the trust has to say it. */
  readonly issuer?: string
  readonly isIssuer?: (issuer: string) => boolean
  /** What an issuer has to be. */
  readonly issuerForm?: string
  /** Where its keys are if `jwks:` does not say so; undefined: it has to. */
  readonly keys: (issuer: string) => KeySource | undefined
  /** The keys are there and nowhere else. */
  readonly hasFixedKeys?: true
  readonly algorithms: Trust['algorithms']
  readonly maxTokenAgeSeconds?: number
  /** Of each of these lists, one claim has to be bound. */
  readonly demands: readonly (readonly string[])[]
  /** Claims that are no proof, and why. */
  readonly refuses?: Readonly<Record<string, string>>
  /** Which values of a claim can come at all. */
  readonly forms?: Readonly<Record<string, readonly [RegExp, string]>>
  /** Where a name of `bind:` stands in a token, if nowhere else is allowed. */
  readonly places?: Readonly<Record<string, readonly string[]>>
  /** What has to be besides. */
  readonly implied?: (issuer: string) => readonly BoundClaim[]
}

const discovery = (): KeySource => ({ from: 'discovery' })
const NUMBER = [/^[1-9][0-9]{0,30}$/, 'must be its number, as a text in quotes'] as const
const YES = [/^(?:true|false)$/, 'must be "true", as a text in quotes'] as const
const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const AN_ID = [new RegExp(`^${GUID}$`), 'must be an id such as a UUID in lower case'] as const

const ACTOR = 'names who began it, which proves nothing of what runs'

const kubernetes: Preset = {
  kind: 'service-account',
  keys: discovery,
  algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
  demands: [['namespace'], ['serviceAccount', 'serviceAccountUid']],
  forms: { serviceAccountUid: AN_ID },
  places: {
    namespace: ['kubernetes.io', 'namespace'],
    serviceAccount: ['kubernetes.io', 'serviceaccount', 'name'],
    serviceAccountUid: ['kubernetes.io', 'serviceaccount', 'uid']
  }
}

const oidc: Preset = {
  kind: 'oidc',
  keys: discovery,
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  demands: []
}

/** https://docs.github.com/en/actions/reference/security/oidc */
const githubActions: Preset = {
  kind: 'oidc',
  issuer: 'https://token.actions.githubusercontent.com',
  keys: discovery,
  algorithms: ['RS256'],
  demands: [
    ['repository_id'],
    ['repository_owner_id'],
    ['environment', 'ref', 'job_workflow_ref', 'workflow_ref']
  ],
  refuses: {
    sub: 'has a form that each repository may change: bind repository_id',
    actor: ACTOR,
    actor_id: ACTOR
  },
  forms: { repository_id: NUMBER, repository_owner_id: NUMBER }
}

/** https://docs.gitlab.com/ci/secrets/id_token_authentication/ */
const gitlab: Preset = {
  kind: 'oidc',
  issuer: 'https://gitlab.com',
  keys: discovery,
  algorithms: ['RS256'],
  // A token lives as long as its job may.
  maxTokenAgeSeconds: 3600,
  demands: [
    ['project_id', 'namespace_id'],
    // Pipelines of merge requests from forks name the fork's project or ours, by version.
    ['ref_protected', 'environment_protected', 'pipeline_source']
  ],
  refuses: { user_login: ACTOR, user_email: ACTOR, user_id: ACTOR },
  forms: {
    project_id: NUMBER,
    namespace_id: NUMBER,
    ref_protected: YES,
    environment_protected: YES
  }
}

const AZURE = new RegExp(
  `^https://(?:login\\.microsoftonline\\.(?:com|us)/(${GUID})/v2\\.0|login\\.partner\\.microsoftonline\\.cn/(${GUID})/v2\\.0|sts\\.windows\\.net/(${GUID})/)$`
)
const tenantIn = (issuer: string): string | undefined =>
  AZURE.exec(issuer)
    ?.slice(1)
    .find((one) => one !== undefined)

/** https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference */
const azure: Preset = {
  kind: 'oidc',
  isIssuer: (issuer) => tenantIn(issuer) !== undefined,
  issuerForm:
    'must be that of one tenant, by its id: https://login.microsoftonline.com/<id>/v2.0 or https://sts.windows.net/<id>/',
  keys: (issuer) => {
    const isOld = issuer.startsWith('https://sts.windows.net/')
    const origin = isOld ? 'https://login.microsoftonline.com' : new URL(issuer).origin
    const path = isOld ? 'discovery/keys' : 'discovery/v2.0/keys'
    return { from: 'url', url: `${origin}/${tenantIn(issuer)}/${path}` }
  },
  hasFixedKeys: true,
  algorithms: ['RS256'],
  demands: [['oid']],
  refuses: {
    groups: 'is left out of tokens of whoever has many: bind oid',
    upn: 'can be given to somebody else: bind oid',
    email: 'can be chosen by its user: bind oid',
    preferred_username: 'can be chosen by its user: bind oid',
    unique_name: 'can be given to somebody else: bind oid'
  },
  forms: { oid: AN_ID, tid: AN_ID },
  implied: (issuer) => [{ claim: ['tid'], values: [tenantIn(issuer) ?? ''] }]
}

/** https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity */
const gcp: Preset = {
  kind: 'oidc',
  issuer: 'https://accounts.google.com',
  isIssuer: (issuer) => issuer === 'https://accounts.google.com',
  issuerForm: 'is that of Google, and may be left out',
  keys: () => ({ from: 'url', url: 'https://www.googleapis.com/oauth2/v3/certs' }),
  hasFixedKeys: true,
  algorithms: ['RS256'],
  demands: [['sub', 'email']],
  refuses: { hd: 'is of everybody in the domain, people too: bind sub' },
  forms: { sub: NUMBER }
}

const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/

/** https://spiffe.io/docs/latest/spiffe-specs/jwt-svid/ */
const spiffe: Preset = {
  kind: 'spiffe',
  keys: () => undefined,
  algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
  demands: [['sub']],
  forms: { sub: [SPIFFE_ID, 'must be a SPIFFE ID such as spiffe://example.org/ns/shop/sa/cart'] }
}

export const PRESETS = {
  kubernetes,
  oidc,
  'github-actions': githubActions,
  gitlab,
  azure,
  gcp,
  spiffe
} as const satisfies Readonly<Record<string, Preset>>

/** Claims that say nothing of who it is, or that are looked at anyway. */
export const UNIDENTIFYING: ReadonlySet<string> = new Set([
  'azp',
  'acr',
  'amr',
  'sid',
  'tid',
  'idp',
  'token_use',
  'auth_time',
  'at_hash',
  'nonce',
  'typ',
  'scope',
  'scp',
  'hd',
  'ver',
  'email_verified',
  'ref_type',
  'ref_protected',
  'environment_protected',
  'event_name',
  'pipeline_source',
  'runner_environment',
  'repository_visibility'
])

/** Claims of OpenID Connect that users set for themselves, or that are nobody's for good (OIDC Core 1.0, 5.1 and 5.7). */
export const SELF_CHOSEN: ReadonlySet<string> = new Set([
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'phone_number_verified'
])

/** Claims that have a place of their own in a trust, or that no trust can know beforehand. */
export const UNBINDABLE: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])

const FOREIGN = [
  /^sts\.amazonaws\.com$/,
  /^api:\/\/AzureADTokenExchange/,
  /^(?:https:\/\/)?(?:[a-z0-9-]+\.)*(?:azure\.com|azure\.net|azure\.cn|azure\.us|microsoft\.com|windows\.net|microsoftonline\.com|googleapis\.com|amazonaws\.com)(?:[:/].*)?$/,
  // Microsoft's own services by their ids, such as Graph.
  /^0000000[0-9a-f]-0000-0000-c000-000000000000$/,
  // The API servers', and so that of every pod's own token.
  /^https:\/\/kubernetes\.default(?:\.svc(?:\.cluster\.local)?)?\/?$/,
  /^https:\/\/github\.com(?:\/|$)/,
  /^(?:https:\/\/)?gitlab\.com\/?$/
]

/** Whether tokens for it are made for somebody else, who could bring them here. */
export const isForeignAudience = (audience: string): boolean =>
  FOREIGN.some((pattern) => pattern.test(audience))
