/**
 * Which test holds which promise: the table that docs/assurance.md is made of. Rule: whoever promises something adds a row,
 * and a row names its tests as they are called, so that test/contract/assurance.test.ts notices one that is gone.
 */

/** File below test/ → the titles of its tests, or the `when` of a suite's cases. What a title computes is written `…`. */
export type Tests = Readonly<Record<string, readonly string[]>>

export interface Promised {
  /** Stays the same, whatever the sentence becomes. */
  readonly id: string
  readonly says: string
  /** Numbers of `ASVS`. */
  readonly asvs: readonly (keyof typeof ASVS)[]
  /** The numbered promises of SECURITY.md that this one is part of. */
  readonly security?: readonly number[]
  readonly tests: Tests
  /** What the tests do not show, or what shows it beside them. */
  readonly note?: string
}

/** Requirements of OWASP's Application Security Verification Standard 5.0.0 that a row refers to: level and subject. */
export const ASVS = {
  '1.2.2': [1, 'URLs are built with encoding'],
  '1.3.6': [2, 'no server-side request forgery'],
  '1.3.12': [3, 'no regular expression that backtracks without end'],
  '1.5.3': [3, 'parsers read alike'],
  '2.2.1': [1, 'input is validated against what is expected'],
  '2.3.3': [2, 'a change is whole or not at all'],
  '2.4.1': [2, 'excessive calls are held back'],
  '3.1.1': [3, 'what browsers have to know is documented, and what happens without it'],
  '3.2.1': [1, 'no answer is rendered as what it is not'],
  '3.2.2': [1, 'text is shown as text'],
  '3.2.3': [3, 'no DOM clobbering'],
  '3.3.1': [1, 'cookies are Secure, with a prefix'],
  '3.3.2': [2, 'SameSite by the purpose of the cookie'],
  '3.3.3': [2, 'cookies of one host alone (__Host-)'],
  '3.3.4': [2, 'session tokens are HttpOnly, and sent as cookies only'],
  '3.3.5': [3, 'cookies that a browser keeps'],
  '3.4.1': [1, 'Strict-Transport-Security, a year, with subdomains'],
  '3.4.2': [1, 'CORS for listed origins only'],
  '3.4.3': [2, 'Content-Security-Policy'],
  '3.4.4': [2, 'nosniff'],
  '3.4.5': [2, 'Referrer-Policy'],
  '3.4.6': [2, 'frame-ancestors'],
  '3.4.7': [3, 'the Content-Security-Policy names where violations are reported'],
  '3.4.8': [3, 'Cross-Origin-Opener-Policy'],
  '3.5.1': [1, 'no cross-site request forgery'],
  '3.5.2': [1, 'nothing sensitive by requests without a preflight'],
  '3.5.3': [1, 'what changes something is no GET'],
  '3.5.5': [2, 'messages of other origins are not heard'],
  '3.5.6': [3, 'no JSONP'],
  '3.5.7': [3, 'scripts hold nothing of whoever is signed in'],
  '3.5.8': [3, 'what needs a sign-in is not loaded by other sites'],
  '3.6.1': [3, 'no assets from elsewhere'],
  '3.7.2': [2, 'redirects to known destinations only'],
  '3.7.5': [3, 'a browser that lacks what is expected is met as documented'],
  '4.1.3': [2, 'headers of intermediaries cannot be set by callers'],
  '4.1.4': [3, 'only supported methods'],
  '4.2.1': [2, 'no request smuggling'],
  '6.3.2': [1, 'no default accounts'],
  '6.3.4': [2, 'every way in is documented and equally strong'],
  '6.3.8': [3, 'failed authentication tells nothing'],
  '7.1.1': [2, 'the times of sessions are documented, with reasons'],
  '7.1.2': [2, 'how many sessions at once is documented'],
  '7.1.3': [2, 'what a provider’s session means for ours is documented'],
  '7.2.1': [1, 'session tokens are verified by the service'],
  '7.2.2': [1, 'session tokens are made for each session'],
  '7.2.3': [1, 'what opens a session cannot be guessed'],
  '7.2.4': [1, 'signing in makes a new token and ends the one before'],
  '7.3.1': [2, 'an end without activity'],
  '7.3.2': [2, 'an end in any case'],
  '7.4.1': [1, 'no use of a session that was ended'],
  '7.4.2': [1, 'sessions end with the account'],
  '7.4.3': [2, 'sessions can be ended when a factor changes'],
  '7.4.4': [2, 'the way to sign out is in sight'],
  '7.4.5': [2, 'administrators can end sessions'],
  '7.5.1': [2, 'a full sign-in before what changes who may sign in'],
  '7.5.2': [2, 'users see their open sessions and end them'],
  '7.5.3': [3, 'a further sign-in before what is highly sensitive'],
  '7.6.2': [2, 'no session without an explicit act'],
  '10.1.1': [2, 'tokens go to those who need them only'],
  '10.1.2': [2, 'what a provider sends counts for the sign-in of that browser'],
  '10.2.1': [2, 'no forged return from the provider'],
  '10.2.2': [2, 'no mix-up of providers'],
  '10.2.3': [3, 'no more scopes than needed'],
  '10.5.1': [2, 'no replay of ID tokens (nonce)'],
  '10.5.2': [2, 'users are known by what is given to nobody else (sub)'],
  '10.5.3': [2, 'metadata of exactly the configured issuer'],
  '10.5.4': [2, 'ID tokens for this client only (aud)'],
  '7.6.1': [2, 'sessions and sign-ins end as documented'],
  '8.2.1': [1, 'access to functions by explicit permission'],
  '8.2.2': [1, 'access to data by explicit permission'],
  '8.2.3': [2, 'access to fields by explicit permission'],
  '8.3.1': [1, 'authorization on the server'],
  '8.3.2': [3, 'changes of rights apply at once'],
  '8.3.3': [3, 'the originating subject’s rights count'],
  '8.4.1': [2, 'tenants are kept apart'],
  '9.1.1': [1, 'tokens are validated by their MAC'],
  '9.1.2': [1, 'algorithms of tokens on an allowlist'],
  '9.1.3': [1, 'keys of tokens from configured sources only'],
  '9.2.1': [1, 'tokens within their time only'],
  '9.2.2': [2, 'tokens of the right type and purpose'],
  '9.2.3': [2, 'tokens for this service only'],
  '11.2.2': [2, 'keys can be exchanged at any time'],
  '11.2.4': [3, 'comparisons in constant time'],
  '11.2.5': [3, 'cryptography fails securely'],
  '11.3.2': [1, 'approved ciphers and modes only'],
  '11.3.3': [2, 'encrypted data is authenticated'],
  '11.5.1': [2, 'unguessable values have 128 bits'],
  '12.1.1': [1, 'TLS 1.2 and 1.3 only'],
  '12.3.2': [2, 'TLS clients validate certificates'],
  '12.3.4': [2, 'internal TLS trusts named authorities'],
  '13.1.4': [3, 'secrets and their rotation are documented'],
  '13.2.2': [2, 'least privilege among components'],
  '13.2.3': [2, 'no default credentials'],
  '13.2.4': [2, 'allowlist of external systems'],
  '13.2.6': [3, 'connections, timeouts and retries as documented'],
  '13.4.2': [2, 'no debugging in production'],
  '13.4.5': [2, 'monitoring is not exposed'],
  '13.4.7': [3, 'only files that are meant to be served'],
  '14.2.1': [1, 'nothing sensitive in URLs'],
  '14.2.2': [2, 'sensitive data is not cached in servers in between'],
  '14.2.4': [2, 'protection of sensitive data as documented'],
  '14.2.6': [3, 'no more data than needed'],
  '14.2.7': [3, 'what is over its time is deleted by itself, on a schedule'],
  '14.3.1': [1, 'the page forgets with the session'],
  '14.3.2': [2, 'headers against caches'],
  '14.3.3': [2, 'nothing sensitive in the storage of browsers'],
  '15.1.2': [2, 'inventory of third-party libraries'],
  '15.2.2': [2, 'resource-demanding work cannot take the service down'],
  '15.2.3': [2, 'nothing extraneous in production'],
  '15.2.4': [3, 'packages from the expected source only'],
  '15.3.2': [2, 'redirects are not followed'],
  '15.3.3': [2, 'no mass assignment'],
  '15.3.4': [2, 'the caller’s real address'],
  '15.3.6': [2, 'no prototype pollution'],
  '15.3.7': [2, 'no parameter pollution'],
  '15.4.2': [3, 'no gap between check and use'],
  '16.2.1': [2, 'records say when, where, who and what'],
  '16.2.5': [2, 'logs hold no credentials'],
  '16.3.1': [2, 'authentication is logged'],
  '16.3.2': [2, 'authorization is logged'],
  '16.3.3': [2, 'security events are logged'],
  '16.4.1': [2, 'no log injection'],
  '16.4.2': [2, 'logs cannot be modified'],
  '16.5.1': [2, 'generic messages on errors'],
  '16.5.2': [2, 'secure while external resources fail'],
  '16.5.3': [2, 'no failing open'],
  '16.5.4': [3, 'a last handler for all exceptions']
} as const satisfies Record<string, readonly [level: 1 | 2 | 3, subject: string]>

const KEYS: readonly Promised[] = [
  {
    id: 'key-one-spelling',
    says: 'A key is accepted in one spelling: none with spaces, padding, spare bits, another alphabet or another prefix, though a decoder would take it.',
    asvs: ['9.1.1', '1.5.3'],
    security: [6],
    tests: {
      'unit/keys/api-key.test.ts': [
        'each respelling of a key that a decoder would accept is refused',
        'a key with any character changed is refused',
        'arbitrary text is refused without an error'
      ],
      'integration/http/credentials.test.ts': [
        'no other spelling of a key that was just used is taken, and all get one answer'
      ]
    }
  },
  {
    id: 'token-one-meaning',
    says: 'A signed token that says a member of its JSON twice proves nothing, at a login, a sign-in or a push, whichever of the two a reader would take.',
    asvs: ['9.1.1', '1.5.3'],
    tests: {
      'unit/keys/login.test.ts': [
        'a token that says a member twice is refused, however well it is signed and whichever would count'
      ],
      'unit/keys/oidc.test.ts': [
        'what says a member twice is none: an ID token, or an answer of the provider'
      ],
      'unit/crypto/google-token.test.ts': [
        'a token that says a member twice is none, however well it is signed'
      ]
    }
  },
  {
    id: 'key-one-refusal',
    says: 'Whatever is wrong with a key, its caller gets the same bytes: wrong, tampered with, expired, revoked, of another environment.',
    asvs: ['6.3.8', '11.2.5', '14.2.1', '16.5.1'],
    tests: {
      'integration/http/credentials.test.ts': [
        'whatever a decoder would say of a key, its caller gets one answer, to the byte',
        'no other spelling of a key that was just used is taken, and all get one answer',
        'without a key of a known scheme in a header, authentication is required',
        'a refused key is on record with the reason, and with whose key it was'
      ]
    }
  },
  {
    id: 'key-fixed-algorithm',
    says: 'A key is made in one way only: no other algorithm, no compression, and no header that brings a key or an address of one.',
    asvs: ['9.1.2', '9.1.3', '11.3.2'],
    tests: {
      'unit/keys/api-key.test.ts': [
        'a header beyond the profile is refused',
        'a compressed payload is refused',
        'another algorithm is refused'
      ]
    }
  },
  {
    id: 'key-rotation',
    says: 'An encryption key is exchanged without a refused request; one that has left the ring opens nothing from the next request on, remembered or not.',
    asvs: ['11.2.2', '8.3.2', '13.1.4'],
    tests: {
      'unit/keys/api-key.test.ts': [
        'during a rotation keys of both encryption keys open, and new ones come under the active key'
      ],
      'unit/keys/authenticator.test.ts': [
        'a known key ends when its encryption key leaves the key ring'
      ],
      'unit/config/env.test.ts': [
        'a missing, short, long, weak, default or repeated secret is refused'
      ],
      'integration/rotation.test.ts': [
        'an encryption key is rotated under a reading client without one failed request'
      ],
      'integration/sealed-count.test.ts': [
        'a reload without the key is refused, with how much needs it'
      ]
    }
  },
  {
    id: 'key-names-its-encryption-key',
    says: 'A key opens under the one encryption key that it names, outside and inside.',
    asvs: ['9.1.3', '11.3.3'],
    tests: { 'unit/keys/api-key.test.ts': ['the kid inside must be the one outside'] }
  },
  {
    id: 'key-claims',
    says: 'A key counts for its environment, its purpose, its time and its platform version, and not beyond; one with a claim too many, too few or misshapen is none.',
    asvs: ['9.2.1', '9.2.2', '9.2.3', '2.2.1'],
    tests: {
      'unit/keys/api-key.test.ts': [
        'claims of a wrong shape are refused',
        'the environment outside must be the one inside',
        'a header beyond the profile is refused',
        'a key is in force from its issue, a minute of clock skew allowed, until it expires'
      ],
      'unit/keys/authenticator.test.ts': [
        'a known key ends when it expires',
        'a key of another environment, of the future, or garbage is refused with one code',
        'a key for a newer platform is told so'
      ],
      'integration/main-job.test.ts': [
        'a key that is of another environment, expired, too new, tampered with or respelled is refused'
      ]
    }
  },
  {
    id: 'key-issue-within-rights',
    says: 'A key issues no key with more than its own scopes, mode and environment, none that outlives it, and four generations at most.',
    asvs: ['8.2.1', '8.3.3'],
    security: [8],
    tests: {
      'integration/routes/keys.test.ts': [
        'nobody issues more than the own scopes, mode and environment',
        'API_KEY_MAX_DAYS holds for issued keys'
      ],
      'integration/routes/keys-lineage.test.ts': [
        'a key ends with its issuer at the latest, whatever was asked',
        'a key has no lower minimum version than its issuer',
        'a key carries its whole ancestry, oldest first, and after four nobody issues a fifth'
      ],
      'integration/routes/keys-delegations.test.ts': [
        'a key that was issued uses no delegation, whether it says by whom or not'
      ],
      'unit/keys/delegation.test.ts': [
        'no delegation leads to the right to administer, or to a client that delegates itself'
      ]
    }
  },
  {
    id: 'key-revocation-at-once',
    says: 'A revoked key, and all that it issued, is refused on the next request, by every replica within half a second.',
    asvs: ['8.3.2'],
    security: [6, 8],
    tests: {
      'integration/routes/keys.test.ts': [
        'a revoked key is refused on the next request, and is told as revoked'
      ],
      'integration/routes/keys-lineage.test.ts': [
        'a key is revoked with all that it issued, and with all that these issued, or alone'
      ],
      'unit/keys/authenticator.test.ts': ['a known key ends when it is revoked'],
      'integration/shared-revocations.test.ts': [
        'what one replica revokes, all refuse, within 500 ms in 95 of 100',
        'a replica that starts later knows what was revoked before',
        'while Redis is out of reach a key is refused here, and later everywhere'
      ],
      'integration/replicas/propagation.test.ts': [
        'a revocation is in force at all 4 replicas within 500 ms'
      ]
    }
  },
  {
    id: 'key-refused-in-time',
    says: 'How long a refusal takes does not tell a wrong key from a revoked or expired one.',
    asvs: ['6.3.8', '11.2.4'],
    tests: {
      'unit/keys/refusals-in-time.test.ts': [
        'a refusal takes about as long whether the encryption key is unknown, the tag wrong, or the key revoked, expired or for elsewhere'
      ],
      'unit/http/credentials.test.ts': [
        'each of the accepted secrets is accepted, and nothing that resembles one'
      ]
    },
    note: 'Medians of processor time within a factor of two: a key that was refused unopened would take a tenth.'
  },
  {
    id: 'key-one-identity',
    says: 'Revocation, limits and the record go by the id inside a key, never by its text.',
    asvs: ['9.1.1', '2.4.1'],
    security: [6],
    tests: {
      'integration/http/admission.test.ts': [
        'the limit of a key goes by its id, from wherever and in whatever header it comes'
      ],
      'integration/audit.test.ts': [
        'each decision is one line: allowed or denied, cached or not, alone or in a batch, and who asked'
      ],
      'unit/keys/usage.test.ts': [
        'a use is known with first and last time, and says nothing of the text of the key'
      ]
    }
  }
]

const RIGHTS: readonly Promised[] = [
  {
    id: 'right-matrix',
    says: 'A caller gets what its own key and the policy allow, and nothing else, by any route.',
    asvs: ['8.2.1', '8.2.2', '8.3.1', '8.4.1'],
    security: [1],
    tests: {
      'integration/authorization-matrix.test.ts': [
        'no caller reads by any way what policy does not give them, cold or warm'
      ],
      'unit/core/policy.test.ts': [
        'taking a rule or a pattern away never grants',
        'a policy allows what one of its rules alone allows, and nothing else'
      ],
      'integration/routes/bots.test.ts': [
        'each caller gets the credentials of its bots and their providers, and of no others, cold or warm'
      ]
    }
  },
  {
    id: 'right-before-cache',
    says: 'The decision comes before the cache: what one caller may read and has read is refused to another without a call, and on record.',
    asvs: ['8.2.2', '8.3.3', '15.4.2'],
    security: [1],
    tests: {
      'integration/authorization-matrix.test.ts': [
        'no caller reads by any way what policy does not give them, cold or warm'
      ],
      'unit/secrets/broker.test.ts': [
        'a refusal looks into no cache and asks no store: it takes the same time, whatever is there'
      ],
      'unit/secrets/decision.test.ts': [
        'a read that was decided before is decided anew for another client, mode or ground',
        'a read that was decided before is decided anew with other rules'
      ],
      'integration/ways.test.ts': [
        'what is given by a way is on record as the table says, and what is refused as denied'
      ]
    }
  },
  {
    id: 'right-before-existence',
    says: 'A refusal is the same bytes whether the secret exists, is missing, or is in a store that does not exist, and takes the same work.',
    asvs: ['8.2.2', '6.3.8'],
    security: [1],
    tests: {
      'integration/authorization-matrix.test.ts': [
        'a denial is the same bytes for a missing store, a missing secret, a forbidden one and an unknown name'
      ],
      'unit/secrets/broker.test.ts': [
        'a refusal looks into no cache and asks no store: it takes the same time, whatever is there'
      ],
      'integration/routes/secrets-listing-blind.test.ts': [
        'pages, their cursors and their number are the same whatever else is in the store'
      ],
      'integration/routes/channels.test.ts': [
        'whoever may not use a channel cannot tell whether there is one'
      ]
    }
  },
  {
    id: 'right-one-name',
    says: 'All spellings of a secret are one reference to policy, and no two secrets share one: case, ARNs whole or in part, project numbers, encoded slashes, dots.',
    asvs: ['8.2.2', '1.5.3', '2.2.1'],
    security: [1],
    tests: {
      'unit/core/reference-vectors.test.ts': ['a reference is read as its vector says'],
      'unit/core/reference.test.ts': [
        'every spelling of a secret is the same reference, by name too',
        'two canonical texts never lead to one secret, and two secrets never have one',
        'whatever is written is a reference, leads nowhere, or is a problem',
        'names of stores and of secrets cannot be taken for another form'
      ],
      'unit/cache/secret-cache.test.ts': ['both spellings of an AWS secret are dropped together']
    }
  },
  {
    id: 'right-on-every-path',
    says: 'Conditional reads, HEAD, refreshes, batches, listings, names, bots, siblings and proxies run the same checks.',
    asvs: ['8.2.2', '8.3.1', '6.3.4'],
    security: [1],
    tests: {
      'integration/ways.test.ts': ['the ways that run the step are those that show it: …'],
      'contract/ways.test.ts': [
        'every route that may give a secret away is a way of the table, and every way is a route'
      ],
      'integration/routes/secrets-conditional.test.ts': [
        'a condition opens nothing: whoever may not read is refused as ever'
      ],
      'integration/routes/internal.test.ts': [
        'a sibling reads for a client what that client may read, and no more'
      ]
    }
  },
  {
    id: 'right-declared',
    says: 'A route that does not say who may call it stops the boot, and the description is the routes that there are.',
    asvs: ['8.2.1', '6.3.4', '4.1.4'],
    tests: {
      'integration/http/boot.test.ts': [
        'a route that declares no authentication stops the boot',
        'every route of secrets asks for its scope and its mode'
      ],
      'integration/http/doors.test.ts': [
        'a door whose route declares no authentication stops the boot'
      ],
      'contract/openapi.test.ts': [
        'the described paths and methods are those that the service has, all of them',
        'every path answers every method that it does not have with 405 and the list of those it has',
        'the description says of every route what it asks of its caller'
      ],
      'e2e/schemathesis.test.ts': ['what the description says holds for every caller']
    }
  },
  {
    id: 'right-at-doors',
    says: 'At a door in another dialect a caller gets what it gets elsewhere, and a refusal there is the same bytes whether the secret exists or not.',
    asvs: ['8.2.2', '6.3.4', '6.3.8', '4.2.1'],
    security: [1, 2, 3, 6],
    tests: {
      'contract/doors.test.ts': [
        '…: no caller reads or writes what policy does not give them, cold or warm',
        '…: nobody writes without the right and the mode, and no answer has the value',
        '…: a listing names what may be read, and nothing else',
        '…: forbidden, missing and unconfigured are the same bytes',
        '…: no spelling of a path gets round a rule',
        '…: a key is shown once, and a key that is refused is refused in one way',
        '…: limits are those of all doors, and are told in the dialect',
        '…: the record and the metrics name the door'
      ],
      'integration/doors/vault.test.ts': [
        'names are a mount of their own, with the field that they fix',
        'a namespace and a wrapped answer are refused, never left out',
        'a mount is told to whoever may use it, and to others as one that there is not',
        'metadata tells the version and never the value'
      ],
      'integration/http/bridge.test.ts': ['nothing gets past what is checked of every request']
    }
  },
  {
    id: 'right-on-a-field',
    says: 'The right on a field is the right on that field alone.',
    asvs: ['8.2.3', '14.2.6', '15.3.6'],
    security: [1],
    tests: {
      'integration/authorization-fields.test.ts': [
        'a policy covers exactly the field that it names, however it is spelt'
      ],
      'integration/routes/secrets-raw.test.ts': [
        'the right on a field is not the right on the text that it stands in'
      ],
      'unit/secrets/content.test.ts': ['what every JavaScript object has is no field']
    }
  },
  {
    id: 'right-to-write-reads-nothing',
    says: 'A key of mode w reads nothing, through no echo, error, status or header.',
    asvs: ['8.2.1', '15.3.3'],
    security: [2],
    tests: {
      'integration/authorization-mode.test.ts': [
        'a key of mode w writes and reads nothing, by any method of any route'
      ],
      'unit/core/scope.test.ts': ['a mode allows a method or not as its vector says']
    }
  },
  {
    id: 'right-to-an-object',
    says: 'The right to a bot or a channel gives its credentials or tokens, and no right on the secrets behind it.',
    asvs: ['8.2.2', '8.3.3'],
    security: [8],
    tests: {
      'integration/routes/bots.test.ts': [
        'a bot gives no right on its secrets by themselves, and a scope for secrets none on bots'
      ],
      'integration/routes/channels.test.ts': [
        'the right on a channel is the right on its secrets through the channel, and no further'
      ]
    }
  },
  {
    id: 'state-opened-once',
    says: 'A sealed state is opened once, by the client that sealed it, within ten minutes; what cannot be marked as used is not given out.',
    asvs: ['9.2.1', '9.2.2', '11.3.3', '15.4.2'],
    security: [9],
    tests: {
      'unit/integrations/sealed-state.test.ts': [
        "a state is its client's and, with a binding, its browser's; a wrong one does not use it up",
        'of a hundred that open one state at once, one gets it',
        'what was opened stays so after a restart',
        'what cannot be written down is not given out',
        'what is forged, respelt or sealed for another purpose is refused, and uses nothing up'
      ]
    }
  }
]

const STORES: readonly Promised[] = [
  {
    id: 'store-host-fixed',
    says: 'A reference never chooses a host: a URL with a user, a port, another host or another spelling of one leads nowhere, and nothing is sent.',
    asvs: ['1.3.6', '13.2.4', '1.2.2'],
    security: [5],
    tests: {
      'unit/core/reference-vectors.test.ts': ['a reference is read as its vector says'],
      'unit/core/reference.test.ts': [
        'whatever is written is a reference, leads nowhere, or is a problem'
      ],
      'integration/routes/secrets-written-forms.test.ts': [
        'all forms read the same secret, and those of other places make no request at all'
      ],
      'unit/core/channel.test.ts': [
        'no other spelling of an address, and no neighbour of a host of Microsoft, gets a secret from anywhere'
      ]
    }
  },
  {
    id: 'store-no-redirect',
    says: 'A redirect is not followed, and no credential goes to another host.',
    asvs: ['15.3.2', '1.3.6'],
    security: [5],
    tests: {
      'contract/wire-suite.ts': ['… when …'],
      'contract/wire-failures.ts': ['the peer sends it to another host'],
      'integration/routes/channels.test.ts': [
        'whatever Direct Line does, the caller gets a problem of ours, in time, and nothing of what it said'
      ],
      'kinds/azure/powers.test.ts': [
        'a link to the next page is never followed, only its token is taken'
      ]
    }
  },
  {
    id: 'store-certificate',
    says: 'A store is spoken to over TLS only while its certificate is valid, of its name, and of an authority that is trusted.',
    asvs: ['12.3.2', '12.3.4', '12.1.1'],
    security: [5],
    tests: {
      'contract/wire-suite.ts': ['a peer whose authority the store names is read over TLS'],
      'contract/wire-failures.ts': [
        "the peer's certificate is of an unknown authority",
        "the peer's certificate has expired",
        'another host answers at the address of the peer, with its own certificate'
      ],
      'integration/redis-tls.test.ts': [
        'a Redis is talked to over TLS if its certificate is trusted, and not at all otherwise'
      ],
      'integration/certificates.test.ts': [
        'a store is verified by the authorities that are in its file now, and keeps what is cached'
      ]
    }
  },
  {
    id: 'certificate-renewed',
    says: 'A certificate that was renewed is shown without a restart; files that do not belong together, or hold none, replace nothing.',
    asvs: ['12.1.1'],
    tests: {
      'integration/certificates.test.ts': [
        'a reload has every listener show the certificate that is in the files now',
        'without being told, the files are looked at in a while',
        'another authority of callers takes the place of the former one, and nothing unfit does'
      ]
    }
  },
  {
    id: 'store-address-proven',
    says: 'Wherever a name leads, whoever answers there without the certificate of that name is told nothing: no credential, no reference.',
    asvs: ['1.3.6', '12.3.2'],
    security: [5],
    tests: {
      'contract/wire-suite.ts': ['… when …'],
      'contract/wire-failures.ts': [
        'another host answers at the address of the peer, with its own certificate'
      ],
      'unit/config/in-the-clear.test.ts': [
        'a Vault at an http: address is refused in pre and pro, unless its network is said to be closed'
      ]
    },
    note: 'Addresses are not judged by their network: stores stand in private ones as a rule, and no reference chooses one.'
  },
  {
    id: 'store-answer-bounded',
    says: 'An answer that is slow, cut short, of another shape, packed or without an end costs its caller a refusal in time, and the service nothing that it does not get back.',
    asvs: ['15.2.2', '13.2.6', '16.5.2'],
    tests: {
      'contract/wire-suite.ts': ['… when …'],
      'contract/wire-failures.ts': [
        'the answer has no end',
        'the answer is packed, and enormous once it is unpacked',
        'the peer never answers',
        'the peer goes silent in the middle of a 200',
        'a portal answers 200 in HTML',
        'the JSON of a 200 ends in the middle'
      ],
      'unit/secrets/guard.test.ts': [
        'a call that does not heed its deadline ends there, and counts as a timeout'
      ],
      'integration/routes/channels.test.ts': [
        'whatever Direct Line does, the caller gets a problem of ours, in time, and nothing of what it said'
      ],
      'kinds/endless-logins.test.ts': [
        'an answer without an end is cut off: …',
        'an answer that is enormous once it is unpacked stays packed: …'
      ]
    }
  },
  {
    id: 'store-quota',
    says: 'Nobody uses up a provider’s quota: what all replicas take together is bounded, and while several clients ask none gets more than its share.',
    asvs: ['2.4.1', '13.2.6'],
    security: [12],
    tests: {
      'unit/secrets/bucket.test.ts': [
        'one that asks for more than there is makes no first read of another fail',
        'two that ask for all they can get have the same, and what is gone is forgotten'
      ],
      'unit/secrets/guard.test.ts': [
        'replicas have equal shares of a quota, of one call at least, from the moment they are known'
      ],
      'unit/cache/kept-map.test.ts': ['however many refusals there are, no value goes for them']
    }
  },
  {
    id: 'store-notifications',
    says: 'A notification that is forged or foreign changes nothing, and a true one costs an invalidation and no more.',
    asvs: ['1.3.6', '13.2.4'],
    security: [11],
    tests: {
      'unit/events/events.test.ts': [
        'a forged or foreign message of SNS is refused, and nothing is fetched from elsewhere',
        'a subscription of SNS is confirmed at its own host alone',
        'a push without the token that was configured is refused'
      ],
      'unit/events/watch.test.ts': [
        'who lost its key or its right is told no more: at the next event, or at a heartbeat'
      ],
      'integration/routes/events.test.ts': [
        'the door for notifications asks for the internal secret, and takes what each cloud calls JSON'
      ]
    }
  }
]

const HTTP: readonly Promised[] = [
  {
    id: 'http-one-reading',
    says: 'A request that two programs could read in two ways is refused, and its connection ends.',
    asvs: ['4.2.1', '1.5.3', '15.3.7'],
    tests: {
      'integration/http/wire.test.ts': [
        'a malformed request is refused once, and what follows it is not a request',
        'a well-formed request that is not a proper one is refused as a problem'
      ],
      'integration/http/as-sent.test.ts': [
        'a body is framed in one way: chunked alone, and not in HTTP/1.0',
        'our own paths have one spelling: an encoded letter is no route of ours, on either listener'
      ],
      'unit/http/json.test.ts': [
        '… is refused without a word of it',
        'bytes that are not UTF-8 are refused rather than replaced'
      ]
    }
  },
  {
    id: 'http-slow-senders',
    says: 'Who sends slowly or nothing, or takes no answer, is cut off within seconds, and nobody else waits for them.',
    asvs: ['15.2.2', '2.4.1'],
    security: [12],
    tests: {
      'integration/http/timeouts.test.ts': [
        'the timeouts are those of a service that nobody can hold up',
        'a slow sender is cut off within the limits, and an idle connection too'
      ],
      'integration/http/untaken.test.ts': [
        'what is not taken in time is cut off, a stream too, and what it took is given back'
      ],
      'integration/http/connections.test.ts': [
        'what does not become a request is let go of, though the peer never closes',
        'an address that has proven no key has so many connections, and others have theirs'
      ]
    }
  },
  {
    id: 'http-bounded-requests',
    says: 'Headers, URLs, bodies, parameters and nesting have bounds, and every error is a problem of one table that repeats nothing of the request.',
    asvs: ['2.2.1', '16.5.1', '15.2.2', '4.1.4', '1.3.12'],
    security: [4],
    tests: {
      'unit/core/reference.test.ts': ['a long hostile text is decided in little time'],
      'unit/core/glob.test.ts': ['hostile paths and patterns are decided in little time'],
      'integration/http/problems.test.ts': [
        'every error is a problem of the table and repeats nothing of the request'
      ],
      'integration/http/wire.test.ts': ['what Node would answer on its own is answered by us'],
      'integration/http/failures.test.ts': [
        'what throws unexpectedly is an internal error, and says nothing of itself'
      ],
      'integration/canary.test.ts': [
        'however a store fails, nothing that it said or was told shows'
      ],
      'unit/http/json.test.ts': [
        'the largest body costs no more than some times its plain parse, whatever it is made of'
      ]
    }
  },
  {
    id: 'http-one-credential',
    says: 'Two credentials, or one twice, are refused even where each is valid.',
    asvs: ['15.3.7', '6.3.4'],
    tests: {
      'integration/http/credentials.test.ts': [
        'two credentials, or one twice, are a conflict even where each is valid',
        'a second credential is seen however many headers stand before it',
        'the internal door opens to its secret alone, given once'
      ]
    }
  },
  {
    id: 'http-not-cached',
    says: 'No answer may be kept by a cache on the way, whatever was asked and however it is answered.',
    asvs: ['14.3.2', '14.2.2'],
    security: [4],
    tests: {
      'integration/http/not-cached.test.ts': [
        'no answer may be kept by a cache or guessed at by a browser: of any route, with a key, without one, with a wrong one, or of no route'
      ],
      'integration/http/problems.test.ts': [
        'every error is a problem of the table and repeats nothing of the request'
      ],
      'integration/routes/secrets-raw.test.ts': [
        'what is no text comes as its bytes, and a page of another origin is told what it varies by'
      ]
    }
  },
  {
    id: 'http-cors',
    says: 'Pages of the listed origins may call, and of no origin that resembles one.',
    asvs: ['4.1.4', '8.3.1'],
    tests: {
      'integration/http/boot.test.ts': [
        'pages of the listed origins may call, and of no origin that resembles one',
        'without listed origins no page may call'
      ]
    }
  },
  {
    id: 'http-limits',
    says: 'Callers are limited by address, by failed logins and by key, told so in headers, also on paths that lead nowhere and while Redis is away.',
    asvs: ['2.4.1', '16.3.3'],
    security: [6, 12],
    tests: {
      'integration/http/admission.test.ts': [
        'an address has one allowance for all its keys, for none, and for URLs that lead nowhere',
        'failed logins are limited by address, and a valid key from there still works',
        'the limit of a key goes by its id, from wherever and in whatever header it comes',
        'the addresses of one IPv6 network count as one'
      ],
      'unit/http/allowances.test.ts': [
        'while nothing answers each counts alone, and what was counted is sent once something does'
      ],
      'integration/replicas/limits.test.ts': [
        'while Redis is away each replica counts for itself, and what was counted counts after its return'
      ],
      'integration/audit-administration.test.ts': [
        'failed logins beyond the limit, and a key beyond its own, are one line and a count'
      ]
    }
  },
  {
    id: 'key-networks',
    says: 'A key that is bound to networks is refused from everywhere else, by every way in, as if there were no such key; no key issues one for wider networks.',
    asvs: ['8.2.1', '8.3.3'],
    security: [8],
    tests: {
      'integration/routes/keys-networks.test.ts': [
        'every route refuses a key from elsewhere as it refuses no key at all, and says why on record alone',
        'the address is the one that TRUST_PROXY tells, and none that a caller made up',
        'a proxy that asks for a caller is asked whose address it tells, and its own counts for nothing',
        'what a key issues is never usable from more places than the key itself'
      ]
    }
  },
  {
    id: 'aws-signature',
    says: 'At the door of AWS a key reads nothing without the secret that follows from it: what was signed is the request that came, byte by byte and lately, or it is refused, limited and on record.',
    asvs: ['9.1.1', '11.2.4'],
    security: [8],
    tests: {
      'unit/doors/aws/sigv4.test.ts': [
        'what botocore signs is accepted, in every region, at every host and with any body',
        'a change to anything that was signed is found',
        'an old and a coming signature are refused, one of the last five minutes is not',
        'each header that is read has to be signed, and to be there once',
        'an Authorization header is read in one spelling'
      ],
      'integration/doors/aws-signature.test.ts': [
        'a request that is not what was signed is refused',
        'what does not cover what it has to, or says it twice, is no signature',
        'one credential, once, and in the headers of this door',
        'a wrong signature is a failed login: on record with the key, and limited'
      ]
    }
  },
  {
    id: 'aws-dialect',
    says: 'Clients of AWS Secrets Manager and of its agent read through the doors by their own settings, and raise what they raise at AWS; what is forbidden, missing or of another version is one answer to who may not read it.',
    asvs: ['8.2.2', '16.5.1', '2.2.1'],
    tests: {
      'e2e/doors/clients.test.ts': ['clients of the door …'],
      'e2e/doors/aws-clients.test.ts': [
        'a secret that lives in OpenBao is read by each of them, and a text that is written comes back',
        'a pod that holds no key reads with the token of its service account'
      ],
      'integration/doors/aws.test.ts': [
        'a secret is read as it is stored, by its name and by either ARN',
        'a version is read by its id, and one of another secret is not',
        'what is forbidden and what is not there look the same to who may not read it',
        'what is to be created is not overwritten, and a key that writes reads nothing',
        'what we would have to ignore is refused'
      ],
      'integration/doors/aws-agent.test.ts': [
        'texts and statuses are those of the agent',
        'what is forbidden and what is not there look the same to who may not read it',
        'the key comes in one header, of those that the agent knows',
        'a forwarded request is refused, unless by a proxy that is trusted'
      ]
    }
  },
  {
    id: 'dapr-dialect',
    says: 'Programs read through the door of Dapr what they would of a sidecar: what is missing is told to who may read it alone, what would have to be left out is refused, and a bulk is whole, bounded and paid for secret by secret.',
    asvs: ['8.2.2', '16.5.1', '2.2.1', '2.4.1'],
    tests: {
      'integration/doors/dapr.test.ts': [
        'version_id is the version, and other metadata is refused',
        'what is not there is 204, and what is forbidden or of no store is 403 in the same bytes',
        'a bulk has what the caller may read and nothing else',
        'each secret of a bulk is paid for, and an answer is whole or none',
        'more secrets than a bulk gives are refused, also of names',
        'the key comes as dapr-api-token alone, and probes need none',
        'it stands on the public listener too, and neither has the paths of the other'
      ]
    }
  },
  {
    id: 'policy-until',
    says: 'A rule that has ended allows nothing, whatever is cached or open.',
    asvs: ['8.2.1', '8.3.2'],
    security: [8],
    tests: {
      'unit/core/until.test.ts': [
        'a rule allows until its end and nothing from then on, whatever it allows',
        'a decision that is remembered ends with its rule, and the next rule that allows it takes its place'
      ],
      'unit/events/watch.test.ts': [
        'a watcher is told no more from the moment on at which its rule ends, however far the next heartbeat is'
      ]
    }
  },
  {
    id: 'http-believed-proxies',
    says: 'X-Forwarded-For is believed of the listed proxies and of nobody else.',
    asvs: ['4.1.3', '15.3.4'],
    security: [10],
    tests: {
      'integration/http/proxies.test.ts': [
        'an address limit follows X-Forwarded-For from a listed proxy and from nobody else'
      ],
      'unit/core/network.test.ts': [
        'TRUST_PROXY may not cover everybody, however the networks are cut'
      ]
    }
  },
  {
    id: 'http-forward-auth',
    says: 'A proxy’s question is denied unless it is clear: nginx, Caddy, HAProxy, Traefik and Envoy let through what scope and mode allow, whatever the caller writes, and have a secret that opens nothing else.',
    asvs: ['4.1.3', '8.2.1', '16.5.3'],
    security: [10],
    tests: {
      'integration/routes/authorize-real-proxies.test.ts': [
        '… lets through exactly what scope and mode of the key allow',
        '…: the API is told who calls by Purser alone, and never gets the key',
        '…: no spelling of a path that means another one to somebody gets through',
        '…: while Purser does not answer nobody gets through'
      ],
      'integration/routes/authorize-proxies.test.ts': [
        'Traefik: a caller gets through with scope and mode, and forged headers change nothing',
        'Envoy: the original path stands behind ours and cannot bring a scope of its own'
      ],
      'integration/routes/authorize.test.ts': [
        'AUTHORIZE_SECRET asks whether a caller may go on, and opens nothing else'
      ],
      'unit/http/original-request.test.ts': [
        'what is missing, told twice, contradictory or ambiguous is denied, with a reason for the record'
      ]
    },
    note: 'nginx, Caddy and HAProxy are real; Traefik and Envoy are requests as they send them.'
  },
  {
    id: 'http-parsers-hold',
    says: 'Whatever text or bytes come to the parsers of keys, references, rules, settings, configuration, JSON, sealed things and lines of the trail, they take it or refuse it in their one way.',
    asvs: ['2.2.1', '1.5.3', '16.5.4'],
    tests: {
      'unit/fuzz.test.ts': [
        "every … of the corpus is taken or refused as it was, in its parser's one way",
        'a short run of made-up inputs finds nothing that the parser of … does wrong'
      ]
    },
    note: '`npm run fuzz` goes on for as long as one likes.'
  }
]

const LEAKS: readonly Promised[] = [
  {
    id: 'leak-nowhere-else',
    says: 'A value shows in the answer to whom it belongs and nowhere else: no log line, error, header, record, export, metric, trace, finding of doctor or file, in any encoding.',
    asvs: ['16.2.5', '14.2.4', '16.5.1'],
    security: [4],
    tests: {
      'integration/canary.test.ts': [
        'a secret that is read shows in its answers and nowhere else',
        'a request that is refused repeats nothing of itself'
      ],
      'integration/routes/metrics.test.ts': ['no name, no key and no value is in a scrape'],
      'integration/traces.test.ts': [
        'no value, no name of a secret, no key and nothing else of a caller is exported'
      ],
      'e2e/doctor.test.ts': [
        'no secret of any setting, file or store is in what it says, whatever is wrong'
      ],
      'e2e/audit-canary.test.ts': [
        'no value and no key is in what is exported, followed or verified, whether it was read or refused'
      ],
      'integration/http/request-log.test.ts': [
        'the log tells of each request its route, answer, caller and reason, and nothing that was sent'
      ],
      'unit/support/canary.test.ts': ['a canary is found …']
    }
  },
  {
    id: 'leak-metrics',
    says: 'Figures are for who has the internal secret or the token of scrapers, which opens nothing else; a caller cannot make labels of them.',
    asvs: ['13.4.5', '13.2.2', '14.2.6'],
    tests: {
      'integration/routes/metrics.test.ts': [
        'the internal secret opens the figures, and so does a metrics token',
        'a metrics token opens no other route, whichever header it stands in',
        'the configuration says that there is a token, and not which',
        'where METRICS_ENABLED is false there are no figures'
      ],
      'unit/telemetry/meter.test.ts': [
        'methods that hardly anybody uses are one',
        'a store that is not configured has no name, however many are asked for'
      ]
    }
  },
  {
    id: 'leak-errors',
    says: 'Of an error of a store or an SDK its class is passed on and nothing else, whatever hangs on it.',
    asvs: ['16.5.1', '16.2.5'],
    security: [4],
    tests: {
      'contract/wire-suite.ts': [
        '… when …',
        'a good answer is read, and the record hides its value'
      ],
      'integration/canary.test.ts': [
        'however a store fails, nothing that it said or was told shows'
      ],
      'kinds/azure/wire.test.ts': [
        'the log of the SDK, where an operator turns it up, holds no value, token or secret'
      ],
      'unit/support/canary.test.ts': ['a canary is found in whatever hangs on an error']
    }
  },
  {
    id: 'leak-last-words',
    says: 'A process that ends by an unexpected error, or without memory, writes nothing of what it held, and no signal opens a debugger.',
    asvs: ['16.5.4', '13.4.2', '16.2.5'],
    security: [4],
    tests: {
      'e2e/last-resort.test.ts': [
        '… ends the service with a line that holds nothing of it',
        'a service that runs out of memory writes nothing of what it held'
      ],
      'e2e/lifecycle.test.ts': [
        'The service listens on 127.0.0.1 alone, and SIGUSR1 opens no inspector'
      ]
    },
    note: 'Core dumps are the machine’s: `purser doctor` looks at its setting.'
  },
  {
    id: 'leak-redis',
    says: 'Who holds Redis, its dump or its network finds no value, no name of a secret and no key; all but the state has an end.',
    asvs: ['14.2.4', '14.2.2', '11.3.3'],
    security: [4],
    tests: {
      'integration/replicas/dump.test.ts': [
        'Redis holds and hears no secret, no name of one and no key in any encoding, and nothing stays but the state',
        'two envelopes that were swapped in Redis are both misses, and each value comes right',
        'an envelope that was changed, cut short, emptied or put elsewhere is a miss, and never a wrong value'
      ],
      'unit/crypto/sealer.test.ts': [
        'an envelope with any byte changed, cut short or with a short tag does not open',
        'an envelope moved to another place or purpose does not open',
        'no two envelopes of one value are alike'
      ]
    }
  }
]

const RECORD: readonly Promised[] = [
  {
    id: 'record-before-answer',
    says: 'Nothing leaves unrecorded: where the trail cannot be written, on a full disk, without rights or on a disk that hangs, the answer is 503, no secret is sent and no change made.',
    asvs: ['16.5.3', '16.3.2', '16.3.1', '16.2.1'],
    security: [3],
    tests: {
      'integration/audit.test.ts': [
        'without a record no secret leaves, and readiness says so; with it again, all is well',
        'each decision is one line: allowed or denied, cached or not, alone or in a batch, and who asked'
      ],
      'unit/audit/trail.test.ts': [
        'an append is on record when it resolves',
        'a full disk fails every append of the group, and the trail recovers',
        'something in the way of the folder or the file fails the append, and its end is noticed',
        'a write that hangs fails in time, threads are not piled up, and its end is noticed'
      ],
      'e2e/audit-faults.test.ts': [
        'on a full disk nothing is disclosed unrecorded, and with room again all is well',
        'without the rights to the trail nothing is disclosed unrecorded, and with them again all is well',
        'on a disk that hangs nothing is disclosed, and once it goes on all is well'
      ],
      'integration/audit-administration.test.ts': [
        'whatever an administrator reads is on record before the answer, and without the record there is none',
        'without a record nothing is reloaded'
      ],
      'integration/routes/channels.test.ts': ['a token that cannot be recorded does not leave'],
      'integration/routes/authorize.test.ts': [
        'a failure of ours is a bare 403 too: nobody gets through unrecorded'
      ]
    }
  },
  {
    id: 'backup-sealed',
    says: 'A backup is the state at one moment, holds neither the encryption keys nor a text that is not sealed, and is put in place whole or not at all: one that was changed, or of other keys, is refused.',
    asvs: ['2.3.3', '11.3.3'],
    tests: {
      'unit/state/embedded.test.ts': [
        'a copy is the state at one moment, while others go on writing'
      ],
      'e2e/backup.test.ts': [
        'What was backed up while the service ran comes back on another machine',
        'A backup is refused whole, and nothing is put in place, where it is not what was made',
        'A restore that is killed leaves nothing or all, and the next one ends it'
      ]
    }
  },
  {
    id: 'cache-over-a-restart',
    says: 'What is cached survives a restart only if asked for, sealed; it is given while its store fails, as stale, and never what was dropped, refused, revoked or is out of a rule.',
    asvs: ['11.3.3', '14.2.4'],
    tests: {
      'unit/cache/survivors.test.ts': [
        'what was fetched is given after a restart, as stale and only while its store fails',
        'it ends with the stale bound of its fetch, and with the bound of today',
        'what an answer of the store refuses is gone for good, and not only in memory',
        'an invalidation of a secret, a store or all drops it with every version and spelling',
        'an invalidation is in force at once, whatever is still being written',
        'another key leaves it unread and takes it away; a rotation does not',
        'it opens at its own place alone: not for another store, place, version or environment',
        'nothing on the disk is to be read, neither a value nor a name'
      ],
      'e2e/warm-start.test.ts': [
        'what was fetched is served as STALE by a service that was killed and whose store is down',
        'under another encryption key nothing of it is read, and a damaged file keeps no service from starting'
      ]
    },
    note: 'Whoever can write to the disk and puts back an older copy of the folder has that served while the store fails, until its own time is over.'
  },
  {
    id: 'format-known',
    says: 'What an earlier version has kept is served as it is, and what a later one has taken over is refused and not changed.',
    asvs: ['2.2.1'],
    tests: {
      'e2e/former-version.test.ts': [
        'A DATA_DIR of 2c7d913 is served as it is, and its trail goes on',
        'The Redis of 2c7d913 is served as it is',
        'A cached secret that 2c7d913 sealed for all replicas is read by this version'
      ],
      'e2e/side-by-side.test.ts': [
        'both versions serve one Redis: each reads what the other writes',
        'both versions take turns on one DATA_DIR, there and back'
      ],
      'e2e/later-version.test.ts': [
        'A DATA_DIR that a later version has taken over is served and changed by nobody else',
        'So is a Redis',
        'Of a trail in a later format verify says so, and does not call it right'
      ]
    }
  },
  {
    id: 'record-chained',
    says: 'A trail that somebody changed does not verify, and the place is named: a byte changed, a line dropped, two swapped, the tail cut, a day removed, a segment under another key.',
    asvs: ['16.4.2', '16.4.1'],
    security: [3],
    tests: {
      'unit/audit/verify.test.ts': [
        'a trail that nobody touched is right',
        'a byte changed, anywhere in any line, is tampering at that line',
        'a line dropped is missing, and named',
        'two lines swapped are reordered',
        'the tail cut is seen by its anchor, and within a segment that others follow by itself',
        "a day's file removed is a missing segment, whichever day it was",
        'a segment replaced by one under another key is told, if it has the old name, its own, or none known',
        'who computes the digests anew is betrayed by the MAC of the group',
        'an instance sealed to an auditor is checked with his key, and without it nobody can tell',
        'a trail without an auditor does not pass for one with him',
        'a file that was given the name of another day is told, also where that day is not looked at'
      ],
      'unit/audit/retention.test.ts': [
        'whole days go, that is on record, and the rest verifies, purge after purge',
        'what was taken away by hand is not taken for purged, nor what nobody vouches for',
        'who has the disk and no key cannot vouch for what he takes away',
        'a purge vouches for nothing that somebody without a key put among what is kept',
        'a file that has the name of another day is not purged by it',
        'a file whose digests were made anew without the key stays, with all others',
        'an encryption key that has left the ring stops no purge, and is named',
        'without a record nothing goes'
      ],
      'unit/audit/line.test.ts': ['no text breaks the line or reaches a terminal as a control'],
      'e2e/audit.test.ts': ['the command says what it cannot tell, and what is no trail']
    }
  },
  {
    id: 'record-survives-a-kill',
    says: 'What was answered is on record though the process was killed; a change that the kill overtook is on record as begun; and what it left is told from tampering.',
    asvs: ['16.5.3', '16.4.2', '2.3.3'],
    security: [3],
    tests: {
      'e2e/audit.test.ts': [
        'what was answered is on record also after kill -9, its numbers have no gap, and each manipulation is named'
      ],
      'e2e/audit-faults.test.ts': [
        'who is killed between the decision and its record has disclosed nothing of it'
      ],
      'e2e/unknown-outcome.test.ts': [
        'a write that a kill overtook is on record as begun, without an end, and the trail verifies'
      ],
      'unit/audit/verify.test.ts': [
        'what a kill leaves is unfinished, and no tampering',
        'what a kill left is bound by the next process: lines cannot be put there afterwards, nor altered, nor taken from it',
        'of several processes that were killed one after the other, each is bound by the one that was not'
      ]
    }
  },
  {
    id: 'record-without-gap',
    says: 'A thousand decisions at once are numbered without a gap, each on record when its answer leaves.',
    asvs: ['16.4.2', '16.3.2'],
    security: [3],
    tests: {
      'unit/audit/chain.test.ts': [
        '1,000 concurrent records are numbered without a gap, each hangs on the one before, and a group has one MAC'
      ],
      'unit/audit/trail.test.ts': ['1,000 concurrent appends are 1,000 whole lines in their order'],
      'e2e/audit.test.ts': [
        'what was answered is on record also after kill -9, its numbers have no gap, and each manipulation is named'
      ]
    }
  },
  {
    id: 'record-in-several-places',
    says: 'Where records go to several places, an answer waits for all that are required, and for no other.',
    asvs: ['16.5.3', '16.2.1'],
    security: [3],
    tests: {
      'unit/audit/sinks.test.ts': [
        'a required sink that fails, fails the append, whichever it is, and the trail finds its way back',
        'an optional sink that fails costs one line of the log and no answer, and is named until it works',
        'an optional sink that hangs holds nobody up, keeps no more than a bound, and one write is under way'
      ],
      'e2e/audit-sinks.test.ts': [
        'standard output has the same chain as the file, each line whole among those of the log',
        'nothing is disclosed once nobody takes what is required of standard output, and readiness says so'
      ]
    }
  },
  {
    id: 'record-in-redis',
    says: 'Of the trail in Redis any replica answers for all, and says what is missing; who has Redis learns neither clients nor references, and nothing that he makes up is given.',
    asvs: ['16.4.2', '16.2.1'],
    tests: {
      'integration/redis-audit.test.ts': [
        'any replica answers for all of them, newest first and each record once',
        'who has Redis learns neither clients nor references',
        'what stands in Redis has a bound and an end, and what is dropped is said where no file here has it',
        'whatever its owner does to an entry is found, and nothing made up is given',
        'a required Redis that is away fails each record, and an optional one none, which gets all of them later'
      ]
    }
  },
  {
    id: 'record-of-an-end',
    says: 'What is over its time goes by itself, never without a record and never by a clock that was set.',
    asvs: ['14.2.7'],
    tests: {
      'unit/audit/retention.test.ts': [
        'a clock that is behind the trail or far ahead of it is not believed; after a day of records it is'
      ],
      'unit/state/leftovers.test.ts': [
        'what is over its time is purged once that is on record, and nothing else is',
        'nothing goes without a record, and the log says so once a run',
        'a clock that was set is believed from the next day on, and till then nothing goes'
      ]
    }
  },
  {
    id: 'log-unread',
    says: 'A log that nobody reads holds up neither answers nor the end of the service, and takes no more memory than a bound.',
    asvs: ['16.5.3', '15.2.2'],
    tests: {
      'e2e/log-output.test.ts': [
        'a service whose log nobody reads answers as before, and ends when it is told to',
        'once it is read again each line is there and whole'
      ],
      'unit/telemetry/log-output.test.ts': [
        'a reader that stops holds nobody up: lines wait, then they are dropped and counted, and all of it is told when it reads again'
      ]
    }
  },
  {
    id: 'record-tells',
    says: 'Who read a secret, and when, is answered from all files of the trail, within bounds, and with what could not be asked.',
    asvs: ['16.2.1'],
    tests: {
      'integration/routes/audit.test.ts': [
        'who read a secret, by any of its names, and who tried to',
        'the question is on record itself, and needs the scope of administrators',
        'a reader that stops reading makes nobody read on, and its place is free once it left',
        'files that cannot be read are named, and those that are gone are told from idle days'
      ],
      'unit/audit/search.test.ts': [
        'page by page, whatever their size, every record comes once, also while records are added'
      ],
      'unit/audit/queries.test.ts': [
        'what finds nothing ends after so many bytes, a block a turn, and goes on to the end'
      ]
    }
  }
]

const DEPLOYMENT: readonly Promised[] = [
  {
    id: 'deploy-image',
    says: 'The image and the compose file keep to the CIS Docker benchmark: a user without rights, a read-only root, no capability, bounds, and one port on this machine.',
    asvs: ['13.2.2', '15.2.3', '13.4.2'],
    tests: {
      'unit/deploy/dockerfile.test.ts': [
        'the image runs as a numeric user without rights (4.1)',
        'nothing secret is built in (4.10)',
        'no file of the image is setuid or setgid (4.8)',
        'the image holds the program, its production dependencies and the API description'
      ],
      'unit/deploy/compose.test.ts': [
        '… runs as a numeric user other than root (4.1)',
        '… has no capability (5.3)',
        '… has a read-only root, and a /tmp of bounded size where nothing runs (5.12)',
        '… can gain no privilege (5.25)',
        'Purser alone is published, and on 127.0.0.1 alone (5.13)'
      ]
    }
  },
  {
    id: 'deploy-without-rights',
    says: 'The program of the image starts and is alive on a read-only root, as its user, without a capability.',
    asvs: ['13.2.2'],
    tests: {
      'unit/deploy/dockerfile.test.ts': [
        'what it writes goes to a volume of its own user',
        'it serves as process 1 without a shell, hardened, and is asked to stop with SIGTERM'
      ]
    },
    note: 'No container runtime is needed for the tests: `scripts/image.sh`, which CI runs, builds the image and starts its program as user 65532 with a read-only root, without capabilities and network ([ADR 5](adr/0005-image-without-registry.md)).'
  },
  {
    id: 'deploy-cluster-network',
    says: 'In a cluster, as `deploy/kubernetes/` has it, only labelled pods of labelled namespaces reach Purser and Redis, each on its port; Purser reaches only what is listed.',
    asvs: ['13.2.4', '13.4.5'],
    tests: {
      'integration/deploy/network-policies.test.ts': [
        'labelled pods of labelled namespaces reach the ports of their label, and nobody else does',
        'in the second form all pods of labelled namespaces do, and labelled ones of the same namespace',
        'Purser asks DNS, stores, issuers and Redis, and nothing else',
        'without any one of the policies something would be another'
      ]
    },
    note: 'Read by Cyclonus, and enforced by the network plugin of the cluster, if it has one that does.'
  },
  {
    id: 'deploy-cluster-rights',
    says: 'Its pods there meet Pod Security’s "restricted"; its account reads the named Secrets and nothing else.',
    asvs: ['13.2.2'],
    tests: {
      'integration/deploy/cluster.test.ts': [
        'its pods meet "restricted", and no weaker ones would',
        "Purser's account reads the named secrets, and nothing else",
        'doctor finds nothing to mend in the manifests, and no right too many'
      ]
    }
  },
  {
    id: 'deploy-loopback',
    says: 'Unless told otherwise the service listens on 127.0.0.1 alone.',
    asvs: ['13.4.2'],
    tests: {
      'e2e/lifecycle.test.ts': [
        'The service listens on 127.0.0.1 alone, and SIGUSR1 opens no inspector'
      ]
    }
  },
  {
    id: 'deploy-strong-secrets',
    says: 'It does not start weak: a missing, short, repeated, default or guessable secret is refused by its name, and not shown.',
    asvs: ['13.2.3', '6.3.2'],
    security: [7],
    tests: {
      'e2e/refusals.test.ts': ['The service does not start with …, and does not show it'],
      'unit/config/env.test.ts': [
        'a missing, short, long, weak, default or repeated secret is refused',
        'fresh secrets are never called weak'
      ]
    }
  },
  {
    id: 'deploy-packages',
    says: 'Every package is the one of the lockfile by its SHA-512, of an exact version, under a licence of the list, runs no script when it is installed, and stands in the inventory.',
    asvs: ['15.1.2', '15.2.4'],
    tests: {
      'unit/deploy/packages.test.ts': [
        'every package of the lockfile is told from any other by its SHA-512, and comes from no place but a registry',
        'the packages that Purser asks for are of an exact version, and none runs a script when it is installed',
        'every package of the image is under a licence of the list',
        'npm run sbom lists every package that the image may have, and no other, with its licence and its SHA-512'
      ],
      'unit/deploy/dockerfile.test.ts': [
        'packages come from the lockfile, and none of them runs a script'
      ]
    }
  }
]

const DIRECT_LINE: readonly Promised[] = [
  {
    id: 'channel-real-client',
    says: 'Microsoft’s own client keeps its conversation through Purser while tokens are refreshed.',
    asvs: ['9.2.1'],
    tests: {
      'integration/routes/channels-direct-line-client.test.ts': [
        'a client keeps its conversation for three refreshes, while the first key is killed upstream'
      ]
    }
  },
  {
    id: 'channel-two-keys',
    says: 'Of the two keys of a site one may be killed without a lost request.',
    asvs: ['11.2.2', '16.5.2'],
    tests: {
      'integration/routes/channels.test.ts': [
        'killing the first key upstream loses no request, and it is tried again now and then',
        'where no secret is accepted the broker is at fault, not the caller'
      ]
    }
  },
  {
    id: 'channel-user-ids',
    says: 'The user of a token is one of 2¹²⁸ that nobody can guess.',
    asvs: ['11.5.1'],
    tests: {
      'integration/routes/channels.test.ts': [
        '100,000 ids of users are distinct and of one form',
        'a token is for a user that nobody can guess, for the configured pages, and for one conversation'
      ]
    }
  },
  {
    id: 'channel-expired-token',
    says: 'A token that has expired is not refreshed, and its holder is told to ask for another.',
    asvs: ['9.2.1'],
    tests: {
      'integration/routes/channels.test.ts': [
        'a token is refreshed for its conversation and user until it has expired'
      ]
    }
  },
  {
    id: 'channel-hosts',
    says: 'A channel’s secret goes to Microsoft’s own hosts, or to the App Service that the file names, over https.',
    asvs: ['1.3.6', '13.2.4'],
    security: [5],
    tests: {
      'unit/config/channel.test.ts': ["a secret is sent to Microsoft's own hosts and nowhere else"],
      'unit/core/channel.test.ts': [
        'no other spelling of an address, and no neighbour of a host of Microsoft, gets a secret from anywhere',
        'an app service may get a secret by the file, and not by an administrator: anybody may have one'
      ]
    }
  },
  {
    id: 'channel-throttling',
    says: 'Where Direct Line throttles, the caller is told for how many seconds; a flood is held back before it would.',
    asvs: ['2.4.1', '16.5.2'],
    tests: {
      'integration/routes/channels.test.ts': [
        'whatever Direct Line does, the caller gets a problem of ours, in time, and nothing of what it said',
        'a flood at one channel is held back before Direct Line would throttle the whole site'
      ]
    }
  },
  {
    id: 'channel-no-shared-token',
    says: 'A token is never cached, shared or logged: each request has its own conversation.',
    asvs: ['14.2.2', '16.2.5'],
    security: [8],
    tests: {
      'integration/routes/channels.test.ts': [
        'a token is for a user that nobody can guess, for the configured pages, and for one conversation',
        'a token is on record before it leaves, with its channel and never itself'
      ]
    }
  }
]

const LOGIN_TEST = 'unit/keys/login.test.ts'
const LOGIN_ROUTE_TEST = 'integration/routes/login.test.ts'
const CLUSTER_LOGIN_TEST = 'integration/cluster-login.test.ts'
const TRUSTS_TEST = 'unit/config/trusts.test.ts'
const ISSUER_KEYS_TEST = 'unit/keys/issuer-keys.test.ts'

const LOGINS: readonly Promised[] = [
  {
    id: 'login-proof',
    says: 'A workload is believed by a token for this service, within its time, signed as its trust takes it by the key that it names, of exactly the configured issuer.',
    asvs: ['9.1.1', '9.1.2', '9.1.3', '9.2.1', '9.2.2', '9.2.3', '10.5.3', '10.5.4'],
    tests: {
      [LOGIN_TEST]: [
        'any other token is refused in one way, and the record knows why',
        'a token that is older than its trust takes is refused',
        'an algorithm that the trust does not take is refused, though the issuer has such a key'
      ],
      [CLUSTER_LOGIN_TEST]: [
        'a pod logs in with its own token and reads, and no token of anything else does',
        'with a review a token ends with its account; without one it is good until it ends'
      ],
      'unit/keys/issuer-fetch.test.ts': ['keys that are for something else are none']
    },
    note: 'The API server is real; GitHub, GitLab, Azure, Google and SPIRE are issuers of the tests, with claims as those document them.'
  },
  {
    id: 'login-bound',
    says: 'A trust takes those whom it names, claim by claim and letter by letter; presets demand what cannot be given to somebody else.',
    asvs: ['8.2.1', '13.2.2', '9.2.3'],
    tests: {
      [TRUSTS_TEST]: [
        'an audience of somebody else is refused: whoever has such a token could bring it here',
        'a preset demands what nobody else can get, and refuses what proves nothing',
        'any other issuer needs a claim that says who it is'
      ],
      [LOGIN_TEST]: [
        'a re-created account is another one, where its uid is bound',
        'of several trusts of one issuer the one that binds the token is taken; of two that do, the named one'
      ],
      [CLUSTER_LOGIN_TEST]: [
        'an account that was made again is another one, where its uid is bound'
      ]
    }
  },
  {
    id: 'login-within-trust',
    says: 'The key of a login has no more than its trust grants, ends with the token, and never leads to the right to administer or to issue keys.',
    asvs: ['8.2.1', '8.3.3', '13.2.2'],
    security: [8],
    tests: {
      [LOGIN_TEST]: [
        'a bound account gets an ordinary key of its trust, which says where it comes from',
        'no key lives longer than its trust lets it, however long the token does',
        'whoever asks for less gets less, and for more nothing'
      ],
      [TRUSTS_TEST]: [
        'a scope above the right to administer leads there too',
        'no login leads to a client that may issue keys'
      ]
    }
  },
  {
    id: 'login-one-answer',
    says: 'Whoever brings a token that is not taken learns nothing of why; the record does, and no key leaves without its record.',
    asvs: ['6.3.8', '16.3.1', '16.2.5'],
    security: [3],
    tests: {
      [LOGIN_ROUTE_TEST]: [
        'the whole body and status of a refusal are one, whatever is wrong with the token'
      ],
      [LOGIN_TEST]: ['where a login cannot be recorded, no key leaves']
    }
  },
  {
    id: 'login-issuers',
    says: 'An issuer is asked at its configured place alone, seldom however many tokens come, and its outage of some hours stops nobody whose key is known.',
    asvs: ['1.3.6', '13.2.4', '13.2.6', '15.2.2'],
    tests: {
      [LOGIN_TEST]: ['a token of no configured issuer makes nobody ask anything'],
      'unit/keys/issuer-fetch.test.ts': [
        'metadata of another issuer, or that lead elsewhere, give none',
        'an answer that is a redirect, an error, too large or no set of keys gives none',
        'what is in the clear is asked on this machine alone'
      ],
      [ISSUER_KEYS_TEST]: [
        'one asks for all who wait, and what came is used without asking',
        'an issuer that is down is asked ever more seldom, however many come',
        'known keys outlast an outage of nearly a day, and not longer',
        'while an issuer fails, nobody whose key is known waits for it; whose key is not does',
        'a new key is seen within half a minute, and unknown ones make nobody ask more often'
      ],
      [LOGIN_ROUTE_TEST]: [
        'an issuer that is down: few questions however many tokens come, and known keys work on for a day'
      ],
      'e2e/pods/outage.test.ts': [
        'with an API server that is gone, each client logs in and reads its whole group',
        'an API server that hangs for an hour keeps no client of Vault out'
      ]
    }
  },
  {
    id: 'login-clients',
    says: 'With the token of its pod alone boto3, the AWS SDK for JavaScript, hvac, `purser run` and External Secrets read their whole group; with any other token, and of any other group, they get nothing.',
    asvs: ['8.2.2', '9.1.1', '9.2.1', '9.2.3', '10.5.3'],
    tests: {
      'e2e/pods/clients.test.ts': [
        'each client reads its whole group with the token of its pod, and with no other token'
      ],
      'e2e/pods/product.test.ts': [
        'a client of Vault raises at our door for a wrong token what it raises at OpenBao'
      ],
      'e2e/pods/renewal.test.ts': [
        'boto3 logs in again by itself as its key nears its end, and goes on after that',
        'the AWS SDK for JavaScript logs in again beside its reads as its key nears its end, and before them after it',
        'a program with hvac logs in again when its key is over',
        'a login by hvac that comes before the API server answers waits for it by its retries'
      ],
      'e2e/container-credentials.test.ts': [
        'where the authority is our own, boto3 and the command line log in by a certifi that has it'
      ]
    },
    note: 'The API server is real and its tokens are, but for those that have to end within a test, which are signed with its key.'
  },
  {
    id: 'login-limits',
    says: 'Failed logins are limited by address, and kept off the record by trust; nobody locks a trust for others.',
    asvs: ['2.4.1'],
    tests: {
      [LOGIN_ROUTE_TEST]: [
        'failed logins are limited by address, and refusals of a trust by trust; who may log in is not kept out'
      ]
    }
  },
  {
    id: 'login-revoked',
    says: 'The keys that a trust has given are revoked together.',
    asvs: ['7.4.5', '8.3.2'],
    tests: {
      [LOGIN_ROUTE_TEST]: [
        'keys of a trust are revoked together; a login that comes later works, until the trust is gone'
      ],
      'e2e/login.test.ts': [
        'a key comes out alone, or into a file of mode 600 again and again, and works'
      ]
    }
  }
]

const SIGN_IN_TEST = 'integration/routes/sign-in.test.ts'
const SESSIONS_TEST = 'integration/routes/sessions.test.ts'
const STEP_UP_TEST = 'integration/console/reauthentication.test.ts'
const CODE_TEST = 'integration/console/sign-in-code.test.ts'
const BROWSER_TEST = 'integration/console/browser-security.test.ts'
const ADMISSION_TEST = 'integration/http/session-admission.test.ts'

const SESSIONS: readonly Promised[] = [
  {
    id: 'session-cookie',
    says: 'A session stands in one cookie, of this host alone, over TLS, out of reach of scripts, and in no record or log.',
    asvs: ['3.3.1', '3.3.2', '3.3.3', '3.3.4', '3.3.5', '16.2.5'],
    tests: {
      [SESSIONS_TEST]: [
        'a key opens a session, whose token stands in a __Host- cookie and nowhere else',
        'the cookie of the longest key is short enough for a browser to keep it',
        'AUTH_COOKIE_SECURE=false has a cookie of another name, since browsers drop __Host- without Secure'
      ],
      'unit/config/env.test.ts': [
        "administrators' cookie goes in the clear in dev alone, and never to scripts where it is meant in earnest"
      ]
    }
  },
  {
    id: 'session-token',
    says: 'A session is believed by the MAC of this service alone: one algorithm, one type, one audience, within its time, under a secret that can be exchanged.',
    asvs: ['7.2.1', '7.2.2', '9.1.1', '9.1.2', '9.1.3', '9.2.1', '9.2.2', '9.2.3', '11.2.2'],
    tests: {
      'unit/crypto/session-token.test.ts': [
        'only the algorithm, the type and the header of the profile are taken',
        'only tokens of this issuer, for this service and within their time count',
        'a token with any character changed opens nothing',
        'all secrets are accepted, the last signs'
      ],
      [SESSIONS_TEST]: [
        'JWT_SECRET is exchanged without ending a session: all are accepted, the last signs',
        'a session is for its environment',
        'tokens that are tried count as failed logins, and are on record with the reason'
      ]
    }
  },
  {
    id: 'session-time',
    says: 'A session ends after 15 minutes without an act of the person, and after 8 hours in any case; what a page asks by itself is no act.',
    asvs: ['7.1.1', '7.1.2', '7.1.3', '7.3.1', '7.3.2'],
    tests: {
      [SESSIONS_TEST]: ['a session ends after 15 minutes without an act, and a look at it is none'],
      [ADMISSION_TEST]: [
        'acts of the person renew a session, once a minute; what a page asks by itself does not',
        'a session ends after 8 hours, whatever is done in it'
      ],
      'unit/keys/documented-times.test.ts': [
        'how long sessions, sign-ins and codes last, and how many there may be, is documented as it is'
      ]
    }
  },
  {
    id: 'session-end',
    says: 'A session that was ended counts nowhere any more: by signing out, by signing in again, with its key; and by signing in once more the tokens of before.',
    asvs: ['7.2.4', '7.4.1', '7.4.2', '7.4.3', '7.4.5', '8.3.2'],
    tests: {
      [SESSIONS_TEST]: [
        'a sign-out ends the session from the next request on, for every copy of the cookie',
        'whoever signs in again leaves the session before, and gets another token',
        'a session ends with its key: revoked, expired, or its encryption key gone',
        'a key that descends from one that is revoked with all that it issued ends its sessions'
      ],
      [STEP_UP_TEST]: [
        'signing in once more ends the tokens of before: a copy of the cookie is no session any more'
      ],
      'integration/shared-sessions.test.ts': [
        'a session counts at all replicas until one of them ends it',
        'signing in once more at one replica ends the tokens of before at all'
      ]
    }
  },
  {
    id: 'session-list',
    says: 'Whoever is signed in sees all sessions that they have open, and ends one or all of them after signing in once more; an administrator of mode w ends those of others too; each is on record.',
    asvs: ['7.5.2', '7.4.5', '7.1.2', '16.2.1'],
    tests: {
      'integration/routes/open-sessions.test.ts': [
        'whoever is signed in sees the own sessions, with how, when and from where, and no token of them',
        'a session is ended after signing in once more, for every copy of its cookie, and is on record',
        'all of the own sessions are ended but the one that asks; another user keeps theirs',
        'mode w ends the sessions of a client, and of all',
        'without mode w the own sessions alone are ended, without mode r they alone are seen',
        'a user has so many sessions at once: the oldest ends for a new one, on record'
      ],
      'e2e/console/acts.test.ts': [
        'a session that is open elsewhere is seen, and ended after signing in once more'
      ],
      'integration/shared-sessions.test.ts': [
        'each replica lists the sessions of all, and ends one that another opened; what stands in Redis is sealed'
      ],
      'unit/keys/session-register.test.ts': [
        'what stands in the register is sealed, and has no token',
        'an entry goes with its session: signed out, idle, or with the next look'
      ]
    },
    note: 'A session that was opened while the state could not be written is listed from its next act on; by its id, which is on record, it can be ended before.'
  },
  {
    id: 'session-again',
    says: 'Before a key is issued or a secret written by a session, whoever is signed in proves it once more, as the session was opened; that counts for five minutes, in that session alone.',
    asvs: ['7.5.1', '7.5.3', '7.2.4', '7.6.1'],
    tests: {
      [STEP_UP_TEST]: [
        'a key is issued after the sign-in was repeated, within five minutes, and each step is on record',
        'another key, a revoked one or none does not do, and is on record',
        'the mark is of one session: neither another browser nor the next sign-in has it'
      ],
      [SIGN_IN_TEST]: [
        'whoever signed in at a provider signs in there once more, afresh, and may write for five minutes',
        'nobody signs in once more by …',
        'a sign-in once more counts for the session that asked for it, and only while that counts',
        'a page of another site begins no sign-in once more'
      ],
      [CODE_TEST]: [
        'whoever came by a code signs in once more by another code, and by nothing else'
      ]
    }
  },
  {
    id: 'session-code',
    says: 'The link of the quickstart signs in once, within a minute, from a page of this service in a browser of the same machine, in dev alone.',
    asvs: ['6.3.4', '7.2.3', '7.6.2', '11.5.1', '14.2.1', '15.2.3', '2.4.1'],
    tests: {
      'unit/keys/sign-in-codes.test.ts': [
        'a code has 256 bits, counts once, and no other counts',
        'a code counts for 60 seconds, by whatever way the clock goes',
        'five wrong ones end a code, and the next one is not concerned'
      ],
      [CODE_TEST]: [
        'a code opens a session of the demo, which is on record as that',
        'a code counts once, also for two who come at the same time',
        'after 60 seconds a code is over, and another one counts',
        'nobody guesses: a few wrong codes end the right one, and count as failed logins',
        'a code is no good from …, and is not used up',
        'outside dev there is no such way in, nor where no quickstart runs',
        'a session by a code ends with the quickstart: another service under the same secret does not know it'
      ],
      'e2e/console/quickstart.test.ts': [
        'the link that the quickstart prints opens the console, signed in, in one click'
      ]
    }
  },
  {
    id: 'session-within-key',
    says: 'A session has no more than its key: its mode, its networks, and never a secret.',
    asvs: ['8.2.1', '8.3.1', '8.3.3'],
    tests: {
      [SESSIONS_TEST]: [
        'only a key that administers opens one, of any mode, and never by a page of another site',
        'the networks of a key hold for each request of its session'
      ],
      [ADMISSION_TEST]: [
        'a session of mode r sees and changes nothing, one of mode w the other way round'
      ],
      'contract/session-cookie.test.ts': [
        'the cookie opens the routes that declare it, which are those of sessions and of the console'
      ]
    }
  },
  {
    id: 'session-forgery',
    says: 'No page of another site acts in a session, shows what it shows, or signs anybody in.',
    asvs: ['3.5.1', '3.5.2', '3.5.3', '3.5.8', '7.6.2'],
    tests: {
      [ADMISSION_TEST]: [
        'what changes something comes from a page of ours with the token of the session, or not at all',
        'what shows something is not shown to pages of other sites'
      ],
      [SESSIONS_TEST]: [
        'only a key that administers opens one, of any mode, and never by a page of another site'
      ],
      [SIGN_IN_TEST]: ['a page of another site begins no sign-in']
    }
  },
  {
    id: 'sign-in-proof',
    says: 'Whoever signs in at a provider is believed by an ID token for this service and this sign-in, signed by keys of exactly the configured issuer, with a verified e-mail or a subject that is listed.',
    asvs: ['9.1.1', '9.2.1', '9.2.3', '10.1.1', '10.2.3', '10.5.1', '10.5.2', '10.5.3', '10.5.4'],
    tests: {
      [SIGN_IN_TEST]: [
        'whoever is listed signs in, and goes on by a page of this site that brings the Strict cookie along',
        'nobody is signed in by …',
        'a subject may be bound besides the address, or instead of it',
        'a provider that answers nonsense, at any step, gets nobody signed in, and nothing of it is shown'
      ],
      'unit/config/env.test.ts': [
        'sign-in at a provider is whole or off, at one provider, and over TLS'
      ]
    },
    note: 'Session and record name issuer and subject. Who is listed by the e-mail alone is whomever the provider gives that verified address: `subject:` beside it binds one account (ASVS V10.5.2).'
  },
  {
    id: 'sign-in-transaction',
    says: 'What a provider sends back counts once, within ten minutes, in the browser that began, and from the provider that was asked.',
    asvs: ['10.1.2', '10.2.1', '10.2.2', '2.4.1', '3.7.2'],
    tests: {
      [SIGN_IN_TEST]: [
        'what comes back counts once, in the browser that began, and within ten minutes',
        'an answer that names another provider, or none where it should, is no answer',
        'refused sign-ins count as failed logins',
        'nobody is led elsewhere than to the provider and back to this site'
      ]
    }
  },
  {
    id: 'sign-in-end',
    says: 'The session of a sign-in ends when `administrators:` no longer lists it as it was, from the reload on.',
    asvs: ['7.4.2', '7.4.5', '7.6.1', '8.3.2'],
    tests: {
      [SIGN_IN_TEST]: [
        'the session ends when administrators: no longer lists it, or otherwise, after a reload',
        'whoever signs in again leaves the session before'
      ]
    }
  },
  {
    id: 'sign-in-outage',
    says: 'A provider that is down, slow or endless stops nothing but sign-ins at it.',
    asvs: ['13.2.6', '15.2.2', '16.5.2'],
    tests: {
      [SIGN_IN_TEST]: [
        'a provider that is down stops neither the service nor a later sign-in',
        'an answer without an end is broken off'
      ],
      'unit/keys/oidc-fetch.test.ts': [
        'an answer that does not come in time, or never ends, is a fault'
      ]
    }
  }
]

const SERVING_TEST = 'integration/console/serving.test.ts'
const PAGE_API_TEST = 'integration/console/api.test.ts'
const PAGE_SIGN_IN_TEST = 'e2e/console/sign-in.test.ts'
const VIEWS_TEST = 'e2e/console/views.test.ts'

const CONSOLE: readonly Promised[] = [
  {
    id: 'console-files',
    says: "The administrators' page is a closed table of files; a request names one of them, and no path leads to another.",
    asvs: ['13.4.7', '3.4.4'],
    tests: {
      [SERVING_TEST]: [
        'there is no console unless it is asked for',
        'no other file comes out, by whatever path',
        'a name that leads a browser to this machine is refused'
      ]
    }
  },
  {
    id: 'console-policy',
    says: 'A browser runs the code of the page and no other, talks to its origin alone, shows it in no frame and keeps no document.',
    asvs: ['3.2.1', '3.4.1', '3.4.3', '3.4.4', '3.4.5', '3.4.6', '3.4.8', '3.6.1', '14.3.2'],
    tests: {
      [SERVING_TEST]: [
        'the document is kept by nobody, and lets a browser run the page and nothing else',
        'no page of another origin may read it'
      ],
      [BROWSER_TEST]: [
        'every answer tells the browser to stay with TLS, guess no type, frame nothing, run nothing else and tell nobody',
        'what is asked by a session is JSON, which no browser takes for a page, and no script may load'
      ],
      'unit/console/assets.test.ts': ['the document has no code and no style of its own'],
      [PAGE_SIGN_IN_TEST]: ['the page of administrators in a browser']
    }
  },
  {
    id: 'console-browsers',
    says: 'What a browser has to know is documented; one that lacks it is warned, or shut out, as that says.',
    asvs: ['3.1.1', '3.7.5'],
    tests: {
      [BROWSER_TEST]: [
        'what a browser is expected to know stands in the documentation, with what happens without it'
      ],
      'integration/console/policy-reports.test.ts': [
        'whether the browser says which page asks is told to the page'
      ],
      'integration/http/session-admission.test.ts': [
        'what changes something comes from a page of ours with the token of the session, or not at all'
      ],
      'unit/console/page.test.ts': [
        'what a browser lacks is told, and nothing of one that has it all'
      ],
      'e2e/console/browsers.test.ts': [
        'a browser without a feature that is expected is told so, at the sign-in and after',
        'a browser that has them all is told nothing, one that cannot run the page that it is too old'
      ]
    },
    note: 'What no script can see, as whether a browser obeys Strict-Transport-Security or a policy that it knows, is not looked for.'
  },
  {
    id: 'console-reports',
    says: 'What the policy of the page keeps from running is reported by the browser, and stands in the log in words of the service, a line a minute.',
    asvs: ['3.4.7', '16.4.1'],
    tests: {
      'integration/console/policy-reports.test.ts': [
        'the policy names where violations are reported, and the log tells of them in words of its own',
        'what is none of the lists is not repeated',
        'however many reports come, the log has a line a minute',
        'a report of a page elsewhere, one that is none, or one sent to another route is refused',
        'a body of that type is taken by no other route'
      ],
      'e2e/console/browsers.test.ts': [
        'what the policy keeps from running is reported, and stands in the log'
      ]
    },
    note: 'By `report-uri`, which every browser knows; of the page alone, since no other answer is one that a browser runs.'
  },
  {
    id: 'console-origin',
    says: 'The page and what it asks are of one origin: no other reads them, is heard, or has a script with anything of whoever is signed in.',
    asvs: ['3.2.3', '3.4.2', '3.5.5', '3.5.6', '3.5.7', '3.6.1'],
    tests: {
      [BROWSER_TEST]: [
        'what is asked by a session is JSON, which no browser takes for a page, and no script may load',
        'the files of the page are the same for everybody, whoever is signed in',
        'the origins of CORS_ALLOW_ORIGINS are none of the console and of sessions',
        'the page hears nobody but its own tabs, keeps nothing on the document, and loads nothing from elsewhere'
      ]
    }
  },
  {
    id: 'console-way-out',
    says: 'Each view has the way to sign out in sight.',
    asvs: ['7.4.4'],
    tests: { 'e2e/console/quickstart.test.ts': ['each view has the way out in sight'] }
  },
  {
    id: 'console-storage',
    says: "Neither a key nor a session stands in the page, in its address or in the browser's storage, and what ends a session ends the page.",
    asvs: ['14.2.1', '14.3.1', '14.3.3', '3.3.4'],
    tests: {
      [PAGE_SIGN_IN_TEST]: [
        'a key opens a session, of which no script and no storage has anything',
        'what ends in one tab ends in the other'
      ]
    }
  },
  {
    id: 'console-text',
    says: 'A name that somebody else chose is text in the page: markup stays markup, and what turns the direction of writing is spelt out.',
    asvs: ['3.2.2'],
    tests: {
      [VIEWS_TEST]: ['what is hostile is text'],
      'unit/console/page.test.ts': ['what cannot be seen, or turns what follows, is spelt out']
    }
  },
  {
    id: 'console-values',
    says: 'No view and no route behind the page shows a value of a secret.',
    asvs: ['14.2.6'],
    tests: {
      [PAGE_API_TEST]: [
        'a session sees what its key may see, never a value, and each look is on record',
        'what the console has not is not there: no secret by any route'
      ],
      [VIEWS_TEST]: ['the views'],
      'contract/console.test.ts': [
        'whoever may read a secret by key gets it by no route of the console'
      ],
      'e2e/console/canary.test.ts': [
        'no secret, no setting and no key is in an answer, in the page or in what the browser keeps'
      ]
    }
  },
  {
    id: 'console-names',
    says: "Names show in the page where policy, and the tags that a store asks for, let the administrator's client read what they stand for.",
    asvs: ['14.2.6'],
    tests: {
      'unit/secrets/list-names.test.ts': [
        'pages follow one another, and have what policy allows alone',
        'a name whose secret lacks a tag, or of which that cannot be told without the value, is none',
        'what a client may read is told as far as whoever asks may read it, too'
      ]
    }
  },
  {
    id: 'console-tried',
    says: 'Whether a credential can be read, and whether a channel gives a token, is told by a code alone, and is on record as what it is.',
    asvs: ['14.2.6', '16.2.5'],
    tests: {
      'integration/console/integrations.test.ts': [
        'whether all can be read is told by code, and on record as the look of an administrator',
        'a token is asked for and thrown away: the answer says that one was given, or why not'
      ]
    }
  },
  {
    id: 'console-record',
    says: 'Each task of an operator that is done in the page is on record with who was signed in.',
    asvs: ['16.2.1', '16.3.3'],
    tests: {
      'e2e/console/tasks.test.ts': [
        'each of the eight tasks is done in the page, and on record with who was signed in'
      ]
    }
  },
  {
    id: 'console-place',
    says: 'Of a record, the page says that it verifies only where its segment holds up to a MAC over it, at a bounded cost.',
    asvs: ['16.4.2', '15.2.2'],
    tests: {
      'unit/audit/record-place.test.ts': [
        'a line that was changed, or taken out, breaks those of its group and all after it',
        'who computes the digests anew is betrayed by the MAC',
        'what cannot be checked is not called right',
        'a question ends at its bound, waits for its turns, and only two are answered at once'
      ]
    }
  },
  {
    id: 'console-doctor',
    says: 'The checks of doctor are run for the page one at a time, apart in time, within a deadline, and renew no session.',
    asvs: ['15.2.2'],
    tests: {
      'unit/console/doctor.test.ts': [
        'whoever asks while the checks run shares the run, and another begins a while after it',
        'a run is ended at its deadline, and with the service'
      ],
      'integration/console/doctor.test.ts': [
        'what the checks say is told and on record, and renews no session'
      ],
      'e2e/console/workers.test.ts': [
        'whichever worker is asked has the one run of the checks, and finds a record in its chain'
      ]
    }
  }
]

const RUN_TEST = 'e2e/run.test.ts'
const RUN_WATCH_TEST = 'e2e/run-watch.test.ts'

const RUN: readonly Promised[] = [
  {
    id: 'run-steering',
    says: 'Who can name a secret of a group does not choose what else happens to a program that `purser run` starts: its variables have a prefix and no name that loaders, shells and runtimes look for, its files are one segment of a path.',
    asvs: ['2.2.1'],
    tests: {
      'unit/cli/run/names.test.ts': [
        'no name of a group is one that a loader, a shell or a runtime looks for, however it is cut',
        'a file of a group is one segment of a path'
      ],
      'unit/cli/run/read.test.ts': [
        'names of a group that lead elsewhere, steer, or are there already start nothing'
      ]
    },
    note: 'A list of such names is never whole; the prefix is what keeps a group apart.'
  },
  {
    id: 'run-whole',
    says: 'A program starts, and is renewed, only with all of its secrets; a service or a store that is away changes nothing for one that runs.',
    asvs: ['2.3.3'],
    tests: {
      [RUN_TEST]: ['a program starts only if all of it is there, and no value is told'],
      [RUN_WATCH_TEST]: [
        'a rotation reaches the program within 2 seconds of the event, once, with all of its values',
        'while one of the values cannot be read, the program keeps what it has',
        'a service that was away ends no program, and what changed meanwhile reaches it'
      ],
      'unit/cli/run/watch.test.ts': [
        'a set that is not whole is never taken: the program goes on until it is'
      ]
    }
  },
  {
    id: 'run-files',
    says: 'Secrets as files have mode 600, stand in memory unless the command line says otherwise, are never seen in part, follow no link, and go with the program.',
    asvs: ['14.2.6'],
    tests: {
      'unit/cli/run/files.test.ts': [
        'files are for their owner alone, whole, and gone at the end with the folders that were made',
        'what stands there already and is not of this run is refused, and stays as it is',
        'the folder of a group is none behind a link',
        'a disk is no place unless the command line says so'
      ]
    },
    note: 'Files stay if `purser run` itself is killed (KILL).'
  },
  {
    id: 'run-key',
    says: "The key of `purser run` is handed on to nobody, no settings of the program's folder are read, and with a login no key is stored at all.",
    asvs: ['10.1.1'],
    tests: {
      [RUN_TEST]: ["./.env is the program's own: it is neither read nor asked for"],
      'unit/cli/run/program.test.ts': [
        'what leads to the service is not handed on unless it is asked for'
      ],
      'e2e/run-login.test.ts': [
        'a run logs in, logs in again before its key ends, and hears of a change by the new one'
      ],
      'e2e/run-cluster.test.ts': [
        "a pod's token of a real cluster gets the whole group, and no other token does"
      ],
      'e2e/run-example.test.ts': [
        'the pod holds no secret: none is mounted, none is in a variable, and its token is for Purser alone'
      ]
    }
  },
  {
    id: 'run-redact',
    says: 'With `--redact` no value of six bytes and more is in the output of a program that prints it by accident, however it is cut into pieces, in base64 neither.',
    asvs: ['14.2.4'],
    tests: {
      'unit/cli/run/redact.test.ts': [
        'however the output is cut, no value is in it and all else is',
        'it is found in base64, in the middle of it too, in JSON, in addresses and line by line'
      ],
      [RUN_TEST]: ['with --redact what the program prints has no value, and all else of it']
    },
    note: 'A program that wants to tell a secret can spell it otherwise.'
  },
  {
    id: 'external-secrets',
    says: 'The External Secrets Operator reads, writes and logs in with the manifests of `deploy/kubernetes`, and deletes nothing for a refusal.',
    asvs: ['8.2.2'],
    tests: {
      'integration/deploy/external-secrets.test.ts': [
        'the webhook stores read one field, a whole object, and each version',
        'what is missing is no secret to the operator, and what is forbidden an error that deletes nothing',
        'PushSecret writes what the cluster has, with a key that cannot read it',
        'the generator logs in, and its key reads',
        'the vault provider logs in with a token of a real cluster, and reads at the Vault door'
      ]
    },
    note: 'By the code of its providers, version 0.16.2; its controllers were not run.'
  }
]

/** Every promise by its subject, in the order in which the page shows them. */
export const ASSURANCE: Readonly<Record<string, readonly Promised[]>> = {
  'API keys': KEYS,
  'Logins without a stored key': LOGINS,
  "Administrators' sessions": SESSIONS,
  "The administrators' page": CONSOLE,
  'Who gets what': RIGHTS,
  'Stores and their answers': STORES,
  HTTP,
  'Programs that are started with their secrets': RUN,
  'What must show nowhere': LEAKS,
  'On record': RECORD,
  Deployment: DEPLOYMENT,
  'Direct Line': DIRECT_LINE
}
