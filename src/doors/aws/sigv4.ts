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

/** What we read of a request, besides its body. */
const READ = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']
const DIGEST = 'x-amz-content-sha256'

// In one step, which takes a third of the time of a hash that is fed.
const digest = (bytes: Buffer): string => hash('sha256', bytes, 'hex')

const hmac = (key: Buffer | string, text: string): Buffer =>
  createHmac('sha256', key).update(text, 'latin1').digest()

/** The key of one day and region. */
export const signingKeyOf = (secret: string, { date, region }: Terms): Buffer =>
  ['secretsmanager', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secret}`, date), region))

/** Blanks as a signature has them; few values have more than single ones, and to look costs less than to replace. */
const trimmed = (value: string): string =>
  value.includes('  ') || value.includes('\t') || value.startsWith(' ') || value.endsWith(' ')
    ? value.replace(/[ \t]+/g, ' ').trim()
    : value

/** The values of the headers that are read or signed; undefined if one stands there twice. */
const valuesIn = (
  { rawHeaders }: Received,
  signed: readonly string[]
): ReadonlyMap<string, string> | undefined => {
  const values = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (!signed.includes(name) && !READ.includes(name) && name !== DIGEST) continue
    if (values.has(name)) return undefined
    values.set(name, trimmed(rawHeaders[i + 1] ?? ''))
  }
  return values
}

/** What was signed: method, path, no query, headers, and the digest of the body. */
const canonicalRequest = (
  headers: readonly string[],
  values: ReadonlyMap<string, string>,
  bodyDigest: string
): string => {
  let text = 'POST\n/\n\n'
  for (const name of headers) text += `${name}:${values.get(name)}\n`
  return `${text}\n${headers.join(';')}\n${bodyDigest}`
}

/** What a request has to be signed as. */
export interface Signing extends Terms {
  /** `signingKeyOf` the client's secret. */
  readonly key: Buffer
}

/**
 * Undefined: it is the signature of this request, made within five minutes of `now` (milliseconds since the epoch). A
 * client repeats a request with the same signature, so that one may come again within that time.
 */
export const faultOfSignature = (
  received: Received,
  { key, headers, date, region }: Signing,
  signature: string,
  now: number
): SignatureFault | undefined => {
  const { method, url, body } = received
  const values = valuesIn(received, headers)
  if (values === undefined || !READ.every((name) => headers.includes(name))) return 'incomplete'
  if (!headers.every((name) => values.has(name))) return 'incomplete'
  const time = values.get('x-amz-date') ?? ''
  const at = parseTime(time)
  if (Number.isNaN(at) || !time.startsWith(date)) return 'incomplete'
  if (Math.abs(now - at) > MARGIN_MS) return 'stale'
  if (method !== 'POST' || url !== '/') return 'wrong'
  const bodyDigest = digest(body)
  const told = values.get(DIGEST)
  if (told !== undefined && told !== bodyDigest) return 'wrong'
  const request = Buffer.from(canonicalRequest(headers, values, bodyDigest), 'latin1')
  const scope = `${date}/${region}/secretsmanager/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest(request)}`
  const made = createHmac('sha256', key).update(text, 'latin1').digest('hex')
  return isSameText(made, signature) ? undefined : 'wrong'
}
