/** Signature Version 4 for tests, as the documentation of AWS has it, step by step. */
import { createHash, createHmac } from 'node:crypto'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

type Pairs = readonly (readonly [string, string])[]

export interface Unsigned {
  readonly host: string
  readonly target: string
  readonly body: string
  readonly at?: number
  readonly region?: string
  readonly more?: Pairs
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

export const signedHeaders = (
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  { host, target, body, at = Date.now(), region = 'eu-west-1', more = [] }: Unsigned
): Pairs => {
  const time = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const headers: Pairs = [
    ['content-type', 'application/x-amz-json-1.1'],
    ['host', host],
    ['x-amz-date', time],
    ['x-amz-security-token', sessionToken],
    ['x-amz-target', target]
  ]
  const names = headers.map(([name]) => name).join(';')
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = `POST\n/\n\n${lines}\n${names}\n${sha256(body)}`
  const scope = `${date}/${region}/secretsmanager/aws4_request`
  const key = [date, region, 'secretsmanager', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${secretAccessKey}`
  )
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`
  const signature = hmac(key, text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return [...headers, ['authorization', authorization], ...more]
}
