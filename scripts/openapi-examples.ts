/**
 * Examples of every operation, as openapi.yaml shows them: what is asked, and what is answered. Rule: a test validates
 * each against its own schema, and none holds a secret of anybody.
 */

export interface OperationExample {
  /** By name; in the path, in the query or in a header. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly answer?: unknown
  /** The other representation: the stored bytes alone, or lines. */
  readonly raw?: string
}

const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const OTHER_KEY_ID = '0b7e9c1e-4c1d-4e6b-9f0a-7a1f2f3c4d5e'
const KID = 'k3yId_Aa'
const API_KEY = 'purser_pro_eyJhbGciOiJkaXIi..AAAA.BBBB.CCCC'
const WORKLOAD_TOKEN = 'eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSJ9.eyJpc3MiOiIuLi4ifQ.AAAA'
const AT = '2026-01-15T09:30:00.000Z'
const LATER = '2026-01-15T09:40:00.000Z'
const REF = 'aws:acme-pro-dbcfg/main#password'

const secret = {
  ref: REF,
  value: 'example',
  version: 'a1b2c3d4-5678-90ab-cdef-111111111111',
  store: 'aws',
  fetchedAt: AT,
  expiresAt: LATER
}
const notFound = {
  type: 'urn:purser:problem:secret_not_found',
  title: 'There is no such secret',
  status: 404,
  code: 'secret_not_found',
  retryable: false
}
const results = [
  { status: 200, ...secret },
  { ref: 'aws:acme-pro-dbcfg/none', status: 404, problem: notFound }
]
const claims = {
  client: 'aos-app',
  keyId: KEY_ID,
  scopes: ['aura-services:secrets'],
  mode: 'r',
  environment: 'pro',
  minimumVersion: '8.3.0',
  issuedAt: AT,
  expiresAt: '2026-04-15T09:30:00.000Z'
}
const session = {
  sessionId: OTHER_KEY_ID,
  client: 'operator',
  signedInBy: 'key',
  keyId: KEY_ID,
  mode: 'rw',
  environment: 'pro',
  csrfToken: 'Zm9yIHRoZSBleGFtcGxlIQ',
  signedInAt: AT,
  endsAt: LATER,
  endsAtLatest: '2026-01-15T17:30:00.000Z'
}
const { csrfToken: _, ...openSession } = session
const explanation = {
  client: 'aos-app',
  reference: REF,
  allowed: true,
  checks: [
    {
      check: 'policy',
      verdict: 'passes',
      detail: 'a rule allows it',
      rule: { index: 0, pattern: 'aws:acme-pro-dbcfg/*' }
    }
  ]
}
const credentials = {
  botSecret: 'example',
  clientEmail: 'service@my-project.iam.gserviceaccount.com'
}
const bot = {
  name: 'sample-bot',
  displayName: 'Sample bot',
  provider: 'my-provider',
  credentialsAzureSecrets: {
    botSecret: 'https://keyvault-name.vault.azure.net/secrets/MY-SECRET'
  }
}
const provider = {
  name: 'my-provider',
  type: 'google',
  credentials: { clientEmail: 'service@my-project.iam.gserviceaccount.com' }
}
const channel = {
  secrets: ['kv:directline-key1', 'kv:directline-key2'],
  endpoint: 'https://europe.directline.botframework.com',
  trustedOrigins: ['https://www.example.com']
}
const token = {
  conversationId: '2f91916d-2a58-4336-bc9a-2cef5ecf3bc5',
  token: 'eyJhbGciOi.eyJib3QiOi.c2ln',
  expires_in: 1800,
  userId: 'dl_0e7d6a26e6b46d0f926cfaa1050f53f2',
  domain: 'https://europe.directline.botframework.com/v3/directline'
}
const closed = { state: 'closed' }
const written = (name: string) => ({ parameters: { name }, answer: { name } })
const removed = (name: string) => ({ parameters: { name }, answer: { name, deleted: true } })

/** By operationId. */
export const OPERATION_EXAMPLES: Readonly<Record<string, OperationExample>> = {
  readSecret: { parameters: { wanted: { ref: REF } }, answer: secret, raw: secret.value },
  readSecretByName: {
    parameters: { name: 'smtp-password', field: 'password' },
    answer: secret,
    raw: secret.value
  },
  readSecrets: { parameters: { ref: [REF, 'aws:acme-pro-dbcfg/none'] }, answer: { results } },
  readSecretsPosted: { body: { refs: [REF, 'aws:acme-pro-dbcfg/none'] }, answer: { results } },
  writeSecret: {
    parameters: { ref: 'aws:acme-pro-base/ContainerRegistryPassword' },
    body: { value: 'a new token' },
    answer: { ref: 'aws:acme-pro-base/ContainerRegistryPassword', version: secret.version }
  },
  searchAudit: {
    parameters: {
      client: 'aos-app',
      keyId: KEY_ID,
      reference: 'aws:acme-pro-dbcfg/main',
      pattern: 'aws:acme-pro-*/**',
      action: 'secret.read',
      outcome: 'allowed',
      from: '2026-03-01',
      to: '2026-03-01T18:00:00Z',
      limit: '100',
      cursor: 'AWfr1VvC'
    },
    answer: {
      records: [
        {
          time: AT,
          action: 'secret.read',
          outcome: 'allowed',
          environment: 'pro',
          client: 'aos-app',
          keyId: KEY_ID,
          kid: KID,
          route: 'GET /v1/secrets',
          requestId: OTHER_KEY_ID,
          address: '10.0.0.7',
          reference: 'aws:acme-pro-dbcfg/main#password',
          version: '3',
          cache: 'HIT',
          instance: 'q8Zx0v2RrYk',
          seq: 4711
        }
      ],
      completeFrom: AT,
      skipped: 0,
      notAsked: { files: [], instances: [], replicas: 0, redis: false }
    },
    raw: `{"time":"${AT}","action":"secret.read","outcome":"allowed","client":"aos-app"}\n{"end":{"completeFrom":"${AT}","skipped":0,"notAsked":{"files":[],"instances":[],"replicas":0,"redis":false}}}\n`
  },
  watchSecrets: {
    parameters: { ref: ['aws:acme-pro-dbcfg/main', 'smtp-password'] },
    answer:
      'event: changed\ndata: {"ref":"smtp-password"}\nid: 5f1d2a60-9a51-4f7e-8d0c-2b6d1e1f3a47\n\n'
  },
  whoami: {
    answer: {
      ...claims,
      grants: { read: ['aws:acme-pro-dbcfg/*'], write: [], bots: ['sample-bot'], channels: [] }
    }
  },
  listBots: {
    answer: { bots: [{ name: 'sample-bot', displayName: 'Sample bot', provider: 'my-provider' }] }
  },
  readBotCredentials: {
    parameters: { name: 'sample-bot', partial: 'false' },
    answer: {
      name: 'sample-bot',
      provider: { name: 'my-provider', type: 'google', credentials },
      credentials
    }
  },
  readProviderCredentials: {
    parameters: { name: 'my-provider', partial: 'false' },
    answer: { name: 'my-provider', type: 'google', credentials }
  },
  resolveConfiguration: {
    parameters: { partial: 'false' },
    body: bot,
    answer: { name: 'sample-bot', displayName: 'Sample bot', provider: 'my-provider', credentials }
  },
  listConfiguredBots: {
    answer: { objects: [{ name: 'sample-bot', origin: 'file', credentials: ['botSecret'] }] }
  },
  writeBot: { ...written('sample-bot'), body: bot },
  deleteBot: removed('sample-bot'),
  listConfiguredProviders: {
    answer: { objects: [{ name: 'my-provider', origin: 'runtime', type: 'google' }] }
  },
  writeProvider: { ...written('my-provider'), body: provider },
  deleteProvider: removed('my-provider'),
  listConfiguredChannels: {
    answer: { objects: [{ name: 'webchat', origin: 'file', ...channel }] }
  },
  writeChannel: { ...written('webchat'), body: channel },
  deleteChannel: removed('webchat'),
  issueToken: {
    parameters: { name: 'webchat' },
    body: { user: { id: 'dl_2f1c9a6e4b', name: 'Ada' } },
    answer: token
  },
  refreshToken: { parameters: { name: 'webchat' }, body: { token: token.token }, answer: token },
  sealState: {
    body: { data: { returnTo: '/inbox' }, ttlSeconds: 300, binding: 'a nonce of the browser' },
    answer: { state: 'Aa0-_Zz9', expiresAt: LATER }
  },
  openState: {
    body: { state: 'Aa0-_Zz9', binding: 'a nonce of the browser' },
    answer: { data: { returnTo: '/inbox' } }
  },
  issueKey: {
    body: { client: 'aos-app', scopes: ['aura-services:secrets'], mode: 'r', expires: '90d' },
    answer: { apiKey: API_KEY, key: API_KEY, ...claims, via: [OTHER_KEY_ID] }
  },
  listKeys: {
    parameters: { limit: '100', cursor: KEY_ID },
    answer: {
      keys: [
        {
          keyId: KEY_ID,
          client: 'aos-app',
          scopes: ['aura-services:secrets'],
          mode: 'r',
          environment: 'pro',
          kid: KID,
          firstSeen: AT,
          lastUsed: LATER,
          revoked: false
        }
      ]
    }
  },
  revokeKey: {
    parameters: { id: KEY_ID, issued: 'true' },
    answer: { keyId: KEY_ID, isNew: true, issued: [OTHER_KEY_ID] }
  },
  revokeKeysOfTrust: {
    parameters: { name: 'prod-cluster' },
    answer: { trust: 'prod-cluster', issued: [KEY_ID] }
  },
  exchangeToken: {
    body: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: WORKLOAD_TOKEN,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      trust: 'prod-cluster'
    },
    answer: {
      access_token: API_KEY,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'aura-services:secrets'
    }
  },
  exchangeTokenForAws: {
    parameters: { trust: 'prod-cluster' },
    answer: {
      AccessKeyId: 'PSR5a0c5f0e7a0a4d0e',
      SecretAccessKey: 'YW4gZXhhbXBsZSBvZiAzMiBieXRlcywgbm8gc2VjcmV0',
      Token: API_KEY,
      Expiration: '2026-01-15T09:45:00Z'
    }
  },
  openSession: { answer: session },
  showSession: { answer: session },
  endSession: { answer: { sessionId: OTHER_KEY_ID } },
  listSessions: {
    answer: {
      sessions: [{ ...openSession, own: true, current: false, lastActAt: AT, address: '10.1.2.3' }]
    }
  },
  endOneSession: { parameters: { id: OTHER_KEY_ID }, answer: { sessionId: OTHER_KEY_ID } },
  endSessions: { parameters: { what: { client: 'operator' } }, answer: { ended: [OTHER_KEY_ID] } },
  startSignIn: {},
  startSignInAgain: {},
  finishSignIn: {
    parameters: {
      state: 'b25seSBhbiBleGFtcGxlIG9mIDMyIGJ5dGVzISEhISE',
      code: 'SplxlOBeZQQYbYS6WxSbIA',
      iss: 'https://accounts.example.com'
    },
    raw: '<!doctype html>'
  },
  reportEncryptionKeys: {
    parameters: { quietHours: '24' },
    answer: {
      encryptionKeys: [
        {
          kid: KID,
          active: true,
          keys: 1,
          inUse: 1,
          firstSeen: AT,
          lastUsed: LATER,
          mayGo: false,
          clients: [{ client: 'aos-app', keys: 1, lastUsed: LATER, quiet: false }],
          sealed: { secrets: 3, objects: 1, uses: 1, names: 0, cached: 0, others: 0 }
        }
      ],
      missing: []
    }
  },
  explainForClient: { parameters: { client: 'aos-app', ref: REF }, answer: explanation },
  explainForKey: {
    body: { apiKey: API_KEY, ref: REF },
    answer: { keyId: KEY_ID, ...explanation }
  },
  listStores: {
    answer: {
      stores: [
        {
          name: 'aws',
          kind: 'aws-secrets-manager',
          requireTags: { 'purser-read': 'true' },
          lastCheck: { ok: true, at: AT },
          breakers: { read: closed, list: closed, write: closed },
          quotaLeft: 1000
        }
      ],
      replicas: 1
    }
  },
  showCache: {
    answer: {
      secrets: 12,
      tags: 12,
      maxEntries: 10_000,
      shared: { isUp: true, refusedEnvelopes: 0, unfamiliarEnvelopes: 0 }
    }
  },
  dropCache: { parameters: { what: { store: 'aws' } }, answer: { dropped: 12 } },
  showConfig: {
    answer: {
      settings: { ENVIRONMENT: 'pro', ENCRYPTION_KEYS: '(set)' },
      stores: [{ name: 'aws', kind: 'aws-secrets-manager', requireTags: {} }],
      delegations: [],
      doors: [],
      trusts: [
        {
          name: 'prod-cluster',
          issuer: 'https://oidc.example.com',
          audience: 'purser',
          bind: [
            { claim: 'kubernetes.io/namespace', values: ['shop'] },
            { claim: 'kubernetes.io/serviceaccount/name', values: ['cart'] }
          ],
          grant: { client: 'shop', scopes: ['aura-services:secrets'], mode: 'r', ttlSeconds: 900 }
        }
      ],
      policies: [{ client: ['aos-app'], read: ['aws:acme-pro-dbcfg/*'] }]
    }
  },
  reloadConfig: { answer: { reloaded: true, faults: [] } },
  receiveEvent: {
    parameters: { store: 'aws' },
    body: { path: 'acme-pro-dbcfg/main' },
    answer: { invalidated: 1, ignored: 0 }
  },
  welcomeEvents: {
    parameters: { store: 'kv', 'webhook-request-origin': 'eventgrid.azure.net' }
  },
  introspectKey: { body: { apiKey: API_KEY }, answer: { active: true, ...claims } },
  resolveForClient: { body: { client: 'aos-app', refs: [REF] }, answer: { results } },
  invalidateCache: { body: { ref: REF }, answer: { dropped: 1 } },
  authorize: {
    parameters: { scope: ['aura-services:users'], 'X-Original-Method': 'GET' }
  },
  metrics: {
    raw: 'purser_secret_reads_total{store="aws",outcome="HIT"} 4211\n'
  },
  livez: { answer: { status: 'ok' } },
  readyz: { answer: { status: 'ok' } },
  health: { answer: { status: 'degraded' } }
}
