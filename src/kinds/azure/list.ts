/**
 * Listing a vault, whose names are flat. Rule: of a vault's link to its next page only the token goes on, and of what
 * it names only what a read would give; so no answer and no cursor leads to another host or another path.
 *
 * Not by the SDK, whose pages have lost that link, and which would follow it anywhere, token and all.
 */
import { Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { fits } from '../../core/fits.ts'
import { asJson } from '../../core/json.ts'
import type { Listing, PageRequest } from '../provider.ts'
import { NAME, refusalOf } from './record.ts'

/** https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets */
export const API_VERSION = '2025-07-01'
const MOST_PER_PAGE = 25

const Seconds = Type.Optional(Type.Integer())
const Answer = Type.Object({
  value: Type.Array(
    Type.Object({
      id: Type.String(),
      managed: Type.Optional(Type.Boolean()),
      attributes: Type.Object({ enabled: Type.Boolean(), exp: Seconds, nbf: Seconds })
    })
  ),
  nextLink: Type.Optional(Type.Union([Type.String(), Type.Null()]))
})

/** A part of a query that ends nowhere sooner; taken and given back as it is written, percent-encoding and all. */
const TOKEN = /^[!"$%'-~]{1,4096}$/
const TOKEN_IN_LINK = /[?&](?:\$|%24)skiptoken=([^&#]*)/i

/** The path and query of a page. Throws ProviderFault `invalid_request` for a cursor that cannot be one. */
export const pathOfPage = ({ limit, cursor }: PageRequest): string => {
  if (cursor !== undefined && !TOKEN.test(cursor)) {
    throw new ProviderFault('invalid_request', { code: 'cursor' })
  }
  const size = Math.min(limit, MOST_PER_PAGE)
  const from = cursor === undefined ? '' : `&$skiptoken=${cursor}`
  return `/secrets?api-version=${API_VERSION}&maxresults=${size}${from}`
}

const cursorIn = (link: string): string => {
  const [, token = ''] = TOKEN_IN_LINK.exec(link) ?? []
  if (!TOKEN.test(token)) throw new ProviderFault('invalid_answer', { code: 'next_link' })
  return token
}

const dateOf = (seconds?: number): Date | undefined =>
  seconds === undefined ? undefined : new Date(seconds * 1_000)

/**
 * The names in an answer, in the vault's order and in lower case. A certificate's secret is left out: whoever wants
 * that key asks for it by name. `now` in milliseconds since the epoch. Throws ProviderFault `invalid_answer`.
 */
export const toListing = (text: string, now: number): Listing => {
  const answer = asJson(text)
  if (!fits(Answer, answer)) throw new ProviderFault('invalid_answer')
  const paths = answer.value.flatMap(({ id, managed, attributes: { enabled, exp, nbf } }) => {
    const name = id.slice(id.lastIndexOf('/') + 1)
    const validity = { enabled, expiresOn: dateOf(exp), notBefore: dateOf(nbf) }
    const isGiven = managed !== true && refusalOf(validity, now) === undefined
    return isGiven && NAME.test(name) ? [name.toLowerCase()] : []
  })
  return { paths, ...(answer.nextLink && { cursor: cursorIn(answer.nextLink) }) }
}
