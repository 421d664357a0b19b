/**
 * In which of its two representations a single secret is answered: as JSON, or raw, the value's own bytes alone. Rule:
 * only a request that names the raw form gets it; a browser or a library that also accepts other types gets JSON.
 */
import type { FastifyReply, FastifyRequest, preValidationHookHandler } from 'fastify'
import { ProblemError } from '../core/problem.ts'

interface Range {
  readonly type: string
  readonly quality: number
}

/** One range of Accept (RFC 9110, 12.5.1); a malformed weight counts as none. */
const rangeOf = (text: string): Range => {
  const [type = '', ...parameters] = text.toLowerCase().split(';')
  const weight = parameters.map((one) => /^\s*q=(.*)$/.exec(one)?.[1]?.trim()).find(Boolean) ?? '1'
  return {
    type: type.trim(),
    quality: /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
  }
}

/** The weight of the most specific range that matches. */
const qualityOf = (ranges: readonly Range[], type: string): number => {
  const family = `${type.split('/', 1)[0]}/*`
  for (const wanted of [type, family, '*/*']) {
    const found = ranges.filter((range) => range.type === wanted)
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality))
  }
  return 0
}

/** Characters. Browsers send some 200; a header of 30,000 would cost as much as a hundred reads. */
const ACCEPT_MAX = 1_024

/** If both are equally welcome, as to most libraries, JSON is sent. */
const prefers = (accept: string, type: string): boolean => {
  const ranges = accept.split(',').map(rangeOf)
  return qualityOf(ranges, type) > qualityOf(ranges, 'application/json')
}

/** Whether text is preferred to JSON. */
export const prefersText = (accept: string | undefined): boolean => {
  if (accept === undefined || accept.length > ACCEPT_MAX || !/text\//i.test(accept)) return false
  return prefers(accept, 'text/plain')
}

/** Whether JSON, a value a line, is preferred to one JSON. */
export const prefersLines = (accept: string | undefined): boolean =>
  accept !== undefined && accept.length <= ACCEPT_MAX && prefers(accept, 'application/x-ndjson')

/** `format` of the query decides, otherwise Accept. */
export const wantsRaw = ({ headers }: FastifyRequest, format: string | undefined): boolean =>
  format === undefined ? prefersText(headers.accept) : format === 'raw'

/** The answer depends on Accept; CORS may have said already that it depends on Origin. */
export const varyByAccept = (reply: FastifyReply): void => {
  const before = reply.getHeader('vary')
  reply.header('vary', before === undefined ? 'Accept' : `${before}, Accept`)
}

/** A secret is anybody's text: a browser that is led to one must show and run nothing of it. */
const RAW_HEADERS = {
  'content-disposition': 'attachment',
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff'
}

/** Sends a value as its store has it; `base64` where it is no text. */
export const sendRaw = (
  reply: FastifyReply,
  value: string,
  encoding: 'base64' | undefined
): FastifyReply => {
  reply.headers(RAW_HEADERS)
  return encoding === undefined
    ? reply.type('text/plain; charset=utf-8').send(value)
    : reply.type('application/octet-stream').send(Buffer.from(value, encoding))
}

/** For answers with several secrets: `format` has no meaning there, and is refused rather than ignored. */
const formatFault = (query: unknown): ProblemError | undefined =>
  (query as Readonly<Record<string, unknown>>)['format'] === undefined
    ? undefined
    : new ProblemError('invalid_request', {
        detail: 'format is of a single secret: ask for each by itself, with ref or by its name',
        errors: [{ pointer: '/querystring/format', rule: 'unsupported' }]
      })

export const refuseFormat: preValidationHookHandler = ({ query }, _reply, done) =>
  done(formatFault(query))

/** For the route that gives one secret, or lists. */
export const refuseFormatOfList: preValidationHookHandler = ({ query }, _reply, done) =>
  done('prefix' in (query as object) ? formatFault(query) : undefined)
