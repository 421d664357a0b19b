/**
 * CRC32C (Castagnoli, RFC 3720 12.1): the checksum that Google sends beside a payload. Rule: it finds what was damaged
 * on the way; it proves nothing about who sent it.
 */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1
  }
  return remainder
})

/** The checksum as an unsigned number of 32 bits. */
export const crc32c = (bytes: Uint8Array): number => {
  let sum = 0xffffffff
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] as number) ^ (sum >>> 8)
  return ~sum >>> 0
}
