/**
 * Answers with all fields of a secret. Rule: their JSON goes out as it is stored, since a number that is parsed and printed
 * again may have other digits; everything else is serialised by its schema, as in any answer.
 */
import type { FastifyReply } from 'fastify'
import type { Sensitive } from '../core/secret.ts'

interface WithData {
  readonly data?: Sensitive<string>
}
interface Several {
  readonly results?: readonly WithData[]
  readonly cursor?: string
}

const asJson = ({ data, ...rest }: WithData): string => {
  const text = JSON.stringify(rest)
  return data === undefined ? text : `${text.slice(0, -1)},"data":${data.reveal()}}`
}

const severalAsJson = ({ results = [], ...rest }: Several): string => {
  const text = JSON.stringify({ ...rest, results: [] })
  return `${text.slice(0, -2)}${results.map(asJson).join(',')}]}`
}

/** What every route that discloses secrets returns. Most answers are one value, and are left to the schema. */
export const withData = <T extends WithData & Several>(reply: FastifyReply, answer: T): T => {
  const isOne = answer.data !== undefined
  if (isOne || answer.results?.some(({ data }) => data !== undefined)) {
    reply.type('application/json; charset=utf-8').serializer(isOne ? asJson : severalAsJson)
  }
  return answer
}
