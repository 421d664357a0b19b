/**
 * What an AWS client says of its signature (Signature Version 4), in headers. Rule: one spelling, and whatever it says twice
 * or half says nothing.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

/** The Authorization header in two parts. */
export interface Signed {
  /** All before the signature: the same in all requests of a client on one day and in one region. */
  readonly terms: string
  /** The rest, 64 characters. */
  readonly signature: string
}

/** What the terms say. */
export interface Terms {
  readonly accessKeyId: string
  /** `yyyymmdd`, as the scope has it. */
  readonly date: string
  readonly region: string
  /** In lower case, sorted, each once. */
  readonly headers: readonly string[]
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([\w.-]{1,128})\/(\d{8})\/([a-z0-9-]{1,32})\/secretsmanager\/aws4_request, ?SignedHeaders=([a-z0-9-]{1,64}(?:;[a-z0-9-]{1,64}){0,63}), ?Signature=$/

const SIGNATURE_LENGTH = 64

/** Whether the header speaks of a signature at all, rather than of another scheme. */
export const isSignature = (authorization: string): boolean => authorization.startsWith(ALGORITHM)

export const splitSigned = (authorization: string): Signed => ({
  terms: authorization.slice(0, -SIGNATURE_LENGTH),
  signature: authorization.slice(-SIGNATURE_LENGTH)
})

const isSorted = (names: readonly string[]): boolean =>
  names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name)

/** What we read of a request, besides its body. */
const READ = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']

/** Undefined for what is not exactly the form that clients of Secrets Manager send, or leaves out what we read. */
export const parseTerms = (terms: string): Terms | undefined => {
  const [whole, accessKeyId = '', date = '', region = '', list = ''] = FORM.exec(terms) ?? []
  const headers = list.split(';')
  if (whole === undefined || !isSorted(headers)) return undefined
  if (!READ.every((name) => headers.includes(name))) return undefined
  return { accessKeyId, date, region, headers }
}

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Milliseconds since the epoch of `yyyymmddThhmmssZ`; NaN for what is none. */
export const parseTime = (text: string): number => {
  const [whole, year, month, day, hour, minute, second] = TIME.exec(text) ?? []
  return whole === undefined
    ? Number.NaN
    : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
