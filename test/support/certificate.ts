/**
 * Self-signed certificates for tests, made on the spot, so that no private key stands in the repository and none ever
 * expires. X.509 (RFC 5280) in the few lines of DER that a leaf certificate of one address needs.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** Tag, length, content (X.690 8.1). */
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const set = (...parts: Buffer[]) => der(0x31, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const utf8 = (text: string) => der(0x0c, Buffer.from(text))
const utcTime = (date: Date) =>
  der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`))
const bits = (content: Buffer) => der(0x03, Buffer.from([0]), content)
const octets = (content: Buffer) => der(0x04, content)

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
// RFC 4055: its parameters are NULL.
const RSA_WITH_SHA256 = sequence(oid('2a864886f70d01010b'), der(0x05))
const COMMON_NAME = oid('550403')
const SUBJECT_ALT_NAME = oid('551d11')
const BASIC_CONSTRAINTS = oid('551d13')
const TRUE = der(0x01, Buffer.from([0xff]))
const HOUR = 3_600_000
const DAY = 24 * HOUR

const alternativeName = (host: string): Buffer =>
  isIP(host) === 4
    ? der(0x87, Buffer.from(host.split('.').map(Number)))
    : der(0x82, Buffer.from(host))

const extensions = (host: string): Buffer =>
  der(
    0xa3,
    sequence(
      sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))),
      sequence(SUBJECT_ALT_NAME, octets(sequence(alternativeName(host))))
    )
  )

const pem = (content: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${content
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`

/**
 * A fresh key (P-256, or RSA where a peer signs with that) and a certificate of its own for the host name or IPv4 address,
 * valid from yesterday to tomorrow, or until an hour ago.
 */
export const createCertificate = (
  host: string,
  kind: 'ec' | 'rsa' = 'ec',
  { isExpired = false } = {}
): { readonly key: string; readonly cert: string } => {
  const { publicKey, privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const algorithm = kind === 'ec' ? ECDSA_WITH_SHA256 : RSA_WITH_SHA256
  const name = sequence(set(sequence(COMMON_NAME, utf8(host))))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])), // serial number
    algorithm,
    name,
    sequence(
      utcTime(new Date(Date.now() - DAY)),
      utcTime(new Date(Date.now() + (isExpired ? -HOUR : DAY)))
    ),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(host)
  )
  const signature = sign('sha256', body, privateKey)
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(sequence(body, algorithm, bits(signature)))
  }
}
