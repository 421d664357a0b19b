/**
 * The ways by which a value of a secret can leave the service, each with the path whose steps it runs and how to ask by it.
 * Rule: a route that may give a secret away has a row, and what holds for all ways is tested by going over them.
 */
import type { Action } from '../../src/audit/recorder.ts'
import type { Mode } from '../../src/core/principal.ts'
import { type Ask, type Asking, createAsk, folderOf, get, post } from './way-asking.ts'
import type { Path } from './way-steps.ts'

export interface Way {
  readonly name: string
  /** As the service has it. */
  readonly route: string
  readonly path: Path
  /** Below SCOPE_ROOT; undefined where no key is asked for. */
  readonly scope: 'secrets' | 'bots' | 'token' | undefined
  /** What of a key's modes lets in; all of them where no key is asked for. */
  readonly modes: readonly Mode[]
  readonly right: 'rule' | 'bot' | 'channel' | 'scope'
  readonly leaves: 'the value' | 'its headers' | 'a token' | 'that it changed' | 'nothing'
  /** What is on record of one secret that is given, in order. */
  readonly records: readonly Action[]
  /** What is on record as denied to who has no right. */
  readonly denied: Action
  readonly ask: Ask
}

const q = encodeURIComponent
const firstResult: Asking['resultFor'] = (_, [first]) => first

const secret = {
  path: 'secrets',
  scope: 'secrets',
  modes: ['r', 'rw'],
  right: 'rule',
  leaves: 'the value',
  records: ['secret.read'],
  denied: 'secret.read'
} as const
const byReference = { ...secret, route: 'GET /v1/secrets' } as const
const byName = { ...secret, route: 'GET /v1/secrets/:name' } as const
const bot = {
  ...secret,
  path: 'objects',
  scope: 'bots',
  right: 'bot',
  denied: 'bot.read'
} as const

const ROWS: readonly (Omit<Way, 'ask'> & Asking)[] = [
  {
    ...byReference,
    name: 'by reference',
    question: ({ ref }) => get(`/v1/secrets?ref=${q(ref)}`)
  },
  {
    ...byReference,
    name: 'with the field beside',
    question: ({ store, path, field }) =>
      field === undefined
        ? undefined
        : get(`/v1/secrets?ref=${q(`${store}:${path}`)}&field=${field}`)
  },
  {
    ...byReference,
    name: 'of a version',
    question: ({ store, path, field, version }) => {
      const ref = `${store}:${path}?version=${version}${field ? `#${field}` : ''}`
      return get(`/v1/secrets?ref=${q(ref)}`)
    }
  },
  {
    ...byReference,
    name: 'raw',
    question: ({ ref }) => get(`/v1/secrets?ref=${q(ref)}&format=raw`)
  },
  {
    ...byReference,
    name: 'conditional and `no-cache`',
    question: ({ ref }) =>
      get(`/v1/secrets?ref=${q(ref)}`, {
        'if-none-match': '"another"',
        'cache-control': 'no-cache'
      }),
    keyIn: 'x-api-key'
  },
  {
    ...byReference,
    name: 'HEAD',
    leaves: 'its headers',
    question: ({ ref }) => ({ method: 'HEAD', url: `/v1/secrets?ref=${q(ref)}` })
  },
  {
    ...byReference,
    name: 'below a prefix',
    records: ['secret.list', 'secret.read'],
    denied: 'secret.list',
    question: ({ store, path, field }) =>
      field === undefined
        ? get(`/v1/secrets?prefix=${q(`${store}:${folderOf(path)}`)}`)
        : undefined,
    resultFor: (asked, results) => results.find(({ ref }) => ref === asked.ref)
  },
  {
    ...byName,
    name: 'by name',
    question: ({ name }) => (name === undefined ? undefined : get(`/v1/secrets/${name}`))
  },
  {
    ...byName,
    name: 'as text, by name',
    question: ({ name }) =>
      name === undefined ? undefined : get(`/v1/secrets/${name}`, { accept: 'text/plain' })
  },
  {
    ...secret,
    route: 'GET /v1/secrets/batch',
    name: 'in a batch',
    question: ({ ref }) => get(`/v1/secrets/batch?ref=${q(ref)}&ref=alpha:none`),
    resultFor: firstResult
  },
  {
    ...secret,
    route: 'POST /v1/secrets/batch',
    name: 'in a batch that is posted',
    modes: ['rw'],
    question: ({ ref }) => post('/v1/secrets/batch', { refs: [ref, 'beta:none'] }),
    resultFor: firstResult
  },
  {
    ...secret,
    route: 'POST /v1/resolve',
    name: "in a configuration of the caller's",
    modes: ['rw'],
    // Of several fields none is the credential.
    question: ({ ref, field }) =>
      field === undefined ? undefined : post('/v1/resolve', { credentialsSecrets: { secret: ref } })
  },
  {
    ...bot,
    route: 'GET /v1/bots/:name/credentials',
    name: 'of a bot, with those of its provider',
    records: ['secret.read', 'secret.read', 'bot.read'],
    question: ({ object }) =>
      object === undefined ? undefined : get(`/v1/bots/${object}/credentials`)
  },
  {
    ...bot,
    route: 'GET /v1/providers/:name/credentials',
    name: 'of a provider',
    records: ['secret.read', 'bot.read'],
    question: ({ object }) =>
      object === undefined ? undefined : get(`/v1/providers/${object}/credentials`)
  },
  {
    path: 'objects',
    route: 'POST /v1/channels/:name/tokens',
    name: 'to Direct Line, for a token',
    scope: 'token',
    modes: ['w', 'rw'],
    right: 'channel',
    leaves: 'a token',
    records: ['secret.read', 'token.issue'],
    denied: 'token.issue',
    question: ({ object }) =>
      object === undefined ? undefined : post(`/v1/channels/${object}/tokens`)
  },
  {
    ...secret,
    path: 'internal',
    route: 'POST /internal/resolve',
    name: 'to a sibling service, for a client',
    scope: undefined,
    modes: ['r', 'w', 'rw'],
    question: ({ ref }, client) => post('/internal/resolve', { client, refs: [ref] }),
    resultFor: firstResult
  },
  {
    ...secret,
    path: 'events',
    route: 'GET /v1/events',
    name: 'an open stream',
    leaves: 'that it changed',
    records: ['events.open'],
    denied: 'events.open',
    question: ({ ref }) => get(`/v1/events?ref=${q(ref)}`),
    isStream: true
  },
  {
    ...secret,
    path: 'forward-auth',
    route: 'GET /internal/authorize',
    name: "a proxy's question",
    right: 'scope',
    leaves: 'nothing',
    records: ['key.authorize'],
    denied: 'key.authorize',
    question: () =>
      get('/internal/authorize?scope=aura-services:secrets', {
        'x-original-method': 'GET',
        'x-forwarded-for': '192.0.2.7'
      })
  }
]

export const WAYS: readonly Way[] = ROWS.map((row) => ({ ...row, ask: createAsk(row.path, row) }))
