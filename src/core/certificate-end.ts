/** When the certificates of a PEM text end. */
import { X509Certificate } from 'node:crypto'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Throws where one cannot be read. */
export const certificatesIn = (pem: Uint8Array): X509Certificate[] =>
  (Buffer.from(pem).toString('latin1').match(BLOCK) ?? []).map(
    (block) => new X509Certificate(block)
  )

/** Of the one that ends first, in milliseconds since the epoch; undefined where there is none, or one cannot be read. */
export const firstEndIn = (pem: Uint8Array): number | undefined => {
  try {
    const ends = certificatesIn(pem).map(({ validTo }) => Date.parse(validTo))
    return ends.length === 0 ? undefined : Math.min(...ends)
  } catch {
    return undefined
  }
}
