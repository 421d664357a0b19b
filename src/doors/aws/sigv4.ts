/**
 * Verifies Signature Version 4 of a request to Secrets Manager. Rule: it is made anew from the bytes that were received and
 * compared in constant time; whatever we read of the headers is signed, and stands there once.
 */
import { createHmac, hash } from 'node:crypto'
import { isSameText } from '../../crypto/same.ts'
import { parseTime, type Terms } from './signed.ts'

/** As it was received. */
export interface Received {
  readonly method: string
  readonly url: string
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export const MARGIN_MS = 5 * 60_000

/** `incomplete`: it does not cover what it has to. `stale`: it is of another time. `wrong`: it is of something else. */
export type SignatureFault = 'incomplete' | 'stale' | 'wrong'

/** Of the body, where a client tells it. */
const DIGEST = 'x-amz-content-sha256'

// In one step, which takes a third of the time of a hash that is fed.
const digest = (bytes: Buffer): string => hash('sha256', bytes, 'hex')

const hmac = (key: Buffer | string, text: string): Buffer =>
  createHmac('sha256', key).update(text, 'latin1').digest()

/** Blanks as a signature has them; few values have more than single ones, and to look costs less than to replace. */
const trimmed = (value: string): string =>
  value.includes('  ') || value.includes('\t') || value.startsWith(' ') || value.endsWith(' ')
    ? value.replace(/[ \t]+/g, ' ').trim()
    : value

interface Made {
  /** Milliseconds since the epoch; NaN: the request tells no time. */
  readonly at: number
  /** The signature that it has to have. */
  readonly signature: string
}

/** What a client signs by on one day and in one region. */
export interface Signing {
  readonly terms: Terms
  readonly listed: string
  /** Whose values are looked at. */
  readonly names: ReadonlySet<string>
  /** Of a request, which has the time in it. */
  readonly make: (request: string, time: string) => Made
}

/**
 * What was made of the last request is kept: a client tells the time in whole seconds, so that its requests for one secret in
 * one second are the same.
 */
const createMaker = (key: Buffer | string, scope: string): Signing['make'] => {
  let last: (Made & { readonly request: string }) | undefined
  return (request, time) => {
    if (last?.request === request) return last
    const digested = digest(Buffer.from(request, 'latin1'))
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digested}`
    last = { request, at: parseTime(time), signature: hmac(key, text).toString('hex') }
    return last
  }
}

export const signingOf = (secret: string, terms: Terms): Signing => {
  const { date, region, headers } = terms
  const scope = [date, region, 'secretsmanager', 'aws4_request']
  const key = scope.reduce<Buffer | string>(hmac, `AWS4${secret}`)
  return {
    terms,
    listed: headers.join(';'),
    names: new Set([...headers, DIGEST]),
    make: createMaker(key, scope.join('/'))
  }
}

/** The values of the headers that are signed, and of the digest; undefined if one stands there twice. */
const valuesIn = (
  { rawHeaders }: Received,
  { names }: Signing
): ReadonlyMap<string, string> | undefined => {
  const values = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (!names.has(name)) continue
    if (values.has(name)) return undefined
    values.set(name, trimmed(rawHeaders[i + 1] ?? ''))
  }
  return values
}

/** What was signed: method, path, no query, headers, and the digest of the body. */
const canonicalRequest = (
  { terms: { headers }, listed }: Signing,
  values: ReadonlyMap<string, string>,
  bodyDigest: string
): string => {
  let text = 'POST\n/\n\n'
  for (const name of headers) text += `${name}:${values.get(name)}\n`
  return `${text}\n${listed}\n${bodyDigest}`
}

/**
 * Undefined: it is the signature of this request, made within five minutes of `now` (milliseconds since the epoch). A
 * client repeats a request with the same signature, so that one may come again within that time.
 */
export const faultOfSignature = (
  received: Received,
  signing: Signing,
  signature: string,
  now: number
): SignatureFault | undefined => {
  const { method, url, body } = received
  const { headers, date } = signing.terms
  const values = valuesIn(received, signing)
  if (values === undefined || !headers.every((name) => values.has(name))) return 'incomplete'
  const time = values.get('x-amz-date') ?? ''
  const bodyDigest = digest(body)
  const made = signing.make(canonicalRequest(signing, values, bodyDigest), time)
  if (Number.isNaN(made.at) || !time.startsWith(date)) return 'incomplete'
  if (Math.abs(now - made.at) > MARGIN_MS) return 'stale'
  if (method !== 'POST' || url !== '/') return 'wrong'
  const told = values.get(DIGEST)
  if (told !== undefined && told !== bodyDigest) return 'wrong'
  return isSameText(made.signature, signature) ? undefined : 'wrong'
}
