/** The shapes of administration: stores, cache, configuration. Rule: unknown members are refused. */
import { Type } from 'typebox'
import { MODES } from '../../core/principal.ts'
import { TROUBLES } from '../../secrets/store-trouble.ts'
import { Delegations, InvalidateBody, strict } from '../schemas.ts'

const Tags = Type.Record(Type.String(), Type.String())
const OutgoingProxy = Type.Optional(
  Type.String({ description: 'its outgoing proxy, without user and password, or `environment`' })
)

const BreakerAnswer = Type.Object({
  state: Type.Enum(['closed', 'open', 'half-open']),
  reason: Type.Optional(Type.String({ description: 'why it opened' })),
  until: Type.Optional(Type.String({ format: 'date-time' }))
})

const LoginAnswer = Type.Object(
  {
    state: Type.Enum(['accepted', 'refused']),
    since: Type.String({ format: 'date-time' }),
    nextTry: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'when the credential that was refused is shown again; another one, or a reload, is tried at once'
      })
    ),
    attempts: Type.Optional(Type.Integer({ description: 'how often it was refused' })),
    reason: Type.Optional(Type.String({ description: 'why, as in `store_denied`' })),
    code: Type.Optional(Type.String({ description: "the store's own word for it" }))
  },
  { description: 'how the store takes our own credential; absent before it was first shown' }
)

export const StoresAnswer = Type.Object({
  stores: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      requireTags: Tags,
      proxy: OutgoingProxy,
      trouble: Type.Optional(
        Type.Enum(TROUBLES, {
          description: 'why it is not well, as readiness says it; absent while it is'
        })
      ),
      lastCheck: Type.Optional(
        Type.Object(
          {
            ok: Type.Boolean(),
            at: Type.String({ format: 'date-time' }),
            reason: Type.Optional(Type.String({ description: 'why not, e.g. `timeout`' }))
          },
          { description: 'how it answered last, to a check or to a read that failed' }
        )
      ),
      login: Type.Optional(LoginAnswer),
      breakers: Type.Object(
        { read: BreakerAnswer, list: BreakerAnswer, write: BreakerAnswer },
        { description: 'of this process: whether the store is asked at present' }
      ),
      quotaLeft: Type.Optional(
        Type.Integer({
          description:
            'calls that this process may make at once, of its share; absent where none is set'
        })
      )
    })
  ),
  replicas: Type.Integer({
    description:
      'how many this process knows of, itself among them: each has an equal share of a quota'
  })
})

export const CacheAnswer = Type.Object({
  secrets: Type.Integer({ description: 'entries, of values and of failures' }),
  tags: Type.Integer({ description: 'entries' }),
  maxEntries: Type.Integer({ description: 'of each of the two' }),
  shared: Type.Optional(
    Type.Object(
      {
        isUp: Type.Boolean({ description: 'whether Redis answered when it was last asked' }),
        refusedEnvelopes: Type.Integer({
          description:
            'found damaged, moved, foreign or put back after their end, since this process began'
        }),
        unfamiliarEnvelopes: Type.Integer({
          description:
            'found in another format, as replicas of a later version write it, since this process began'
        })
      },
      { description: 'absent without Redis' }
    )
  )
})

const [byRef, byStore] = InvalidateBody.anyOf
export const CacheQuery = Type.Union([
  byRef,
  byStore,
  Type.Object({ all: Type.Literal('true') }, strict)
])

const Patterns = Type.Optional(Type.Array(Type.String()))
export const ConfigAnswer = Type.Object({
  settings: Type.Record(Type.String(), Type.Unknown(), {
    description: 'as in force; of a secret one only that it is set'
  }),
  stores: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      requireTags: Tags,
      proxy: OutgoingProxy
    }),
    { description: 'without their settings, which may lead to credentials' }
  ),
  delegations: Type.Array(
    Type.Object({ client: Type.Array(Type.String()), ...Delegations.items.properties })
  ),
  doors: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'front doors in other dialects, as at the start'
  }),
  trusts: Type.Array(
    Type.Object({
      name: Type.String(),
      issuer: Type.String(),
      audience: Type.String(),
      proxy: OutgoingProxy,
      bind: Type.Array(Type.Object({ claim: Type.String(), values: Type.Array(Type.String()) })),
      grant: Type.Object({
        client: Type.String(),
        scopes: Type.Array(Type.String()),
        mode: Type.Enum(MODES),
        ttlSeconds: Type.Integer()
      })
    }),
    { description: 'whose tokens are exchanged for which keys' }
  ),
  policies: Type.Array(
    Type.Object({
      client: Type.Array(Type.String()),
      read: Patterns,
      write: Patterns,
      bots: Patterns,
      channels: Patterns,
      until: Type.Optional(
        Type.String({ description: 'the day at whose end in UTC the rule ends, or the moment' })
      )
    })
  )
})

export const ReloadAnswer = Type.Object({
  reloaded: Type.Boolean({
    description: 'false: nothing changed, or not in the workers that the faults name'
  }),
  faults: Type.Array(Type.Object({ place: Type.String(), message: Type.String() }))
})
