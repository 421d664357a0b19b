/**
 * What is asked of a request on its way to a value, step by step in order, and which steps a way runs. Rule: a way has the
 * steps of its path, all of them; docs/architecture.md shows this table, and the tests of the ways observe it.
 */

/** Each with the file below `src` that does it, and what it is. */
export const STEPS = {
  'limit of the address': [
    'http/limiters.ts',
    'of the caller; a proxy that proved itself is not counted'
  ],
  'internal secret': ['http/admission.ts', 'of a sibling service, or of a proxy'],
  key: [
    'keys/authenticator.ts',
    'opened, or known by its text: environment, version, revocation, network'
  ],
  'limit of the key': ['http/limiters.ts', 'a request that does several reads counts as several'],
  scope: ['http/route-auth.ts', 'of the route, or as a proxy asks'],
  mode: ['http/route-auth.ts', 'of the method; also r where a secret is disclosed'],
  'right on the object': [
    'core/policy.ts',
    'bot or channel: gives a `Grant`, which takes the place of a `read` rule and is on the record of each secret ([ADR 9](adr/0009-right-on-a-bot.md), [ADR 10](adr/0010-direct-line.md))'
  ],
  reference: [
    'core/reference.ts',
    'text → `Reference`, names as the store has them ([ADR 15](adr/0015-names-as-stores-have-them.md))'
  ],
  decision: [
    'secrets/decision.ts',
    'mode; policy, or a `Grant`. Refused here, before cache and existence: `access_denied`'
  ],
  tags: [
    'secrets/tag-gate.ts',
    'of stores with `requireTags`; asked for before the text where they are told apart from it'
  ],
  cache: [
    'cache/secret-cache.ts',
    "fresh value or remembered failure → that. Otherwise one flight for all who wait: a replica's envelope, or a lease and the store; if that fails, a stale value within its bound, marked"
  ],
  guard: ['secrets/guard.ts', 'breaker → bucket → peer, under the deadline of the store'],
  view: ['secrets/view.ts', 'the field, and its entity tag'],
  record: ['audit/recorder.ts', 'without it nothing leaves: `audit_unavailable`'],
  answer: [
    'http/disclosure.ts',
    'where a value is revealed; for bots `bot-answers.ts`, and no other place in `http/`'
  ]
} as const

export type Step = keyof typeof STEPS

const ADMISSION = ['limit of the address', 'key', 'limit of the key', 'scope', 'mode'] as const
/** `broker.readSecret`. */
const READ = ['reference', 'decision', 'tags', 'cache', 'guard', 'view', 'record'] as const

export const PATHS = {
  secrets: [...ADMISSION, ...READ, 'answer'],
  objects: [...ADMISSION, 'right on the object', ...READ, 'answer'],
  internal: ['limit of the address', 'internal secret', ...READ, 'answer'],
  events: [...ADMISSION, 'reference', 'decision', 'record', 'answer'],
  'forward-auth': [
    'limit of the address',
    'internal secret',
    'key',
    'limit of the key',
    'scope',
    'mode',
    'record',
    'answer'
  ]
} as const satisfies Readonly<Record<string, readonly Step[]>>

export type Path = keyof typeof PATHS

export const runs = (path: Path, step: Step): boolean =>
  (PATHS[path] as readonly Step[]).includes(step)
