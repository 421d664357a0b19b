/** The place of one record in the chain, and whether it holds, for the page. Rule: it tells of places, and not what is on record. */
import { Type } from 'typebox'
import { INSTANCE, SEQ } from '../audit/chain-line.ts'
import type { RecordPlaces } from '../audit/record-place.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { strict } from '../http/schemas.ts'

const PlaceQuery = Type.Object(
  {
    instance: Type.String({ pattern: `^${INSTANCE}$` }),
    seq: Type.String({ pattern: `^${SEQ}$` }),
    day: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$', description: 'of the record, in UTC' })
  },
  strict
)

const PlaceAnswer = Type.Object({
  instance: Type.String(),
  seq: Type.Integer(),
  verdict: Type.Enum(['holds', 'broken', 'unknown']),
  detail: Type.String({ description: 'what was compared, or what does not agree' }),
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer({ description: 'in the file, from 1' })),
  segmentFrom: Type.Optional(
    Type.Integer({ description: 'the number with which its segment begins' })
  )
})

export const addAuditPlace = (app: TypedFastify, url: string, { placeOf }: RecordPlaces): void => {
  app.get(
    url,
    {
      config: { auth: { kind: 'session' }, cors: false },
      schema: { querystring: PlaceQuery, response: { 200: PlaceAnswer } }
    },
    async (request) => {
      const { instance, day } = request.query
      const seq = Number(request.query.seq)
      const turn = () => app.largeWork(request)
      return { instance, seq, ...(await placeOf({ instance, seq, day, turn })) }
    }
  )
}
