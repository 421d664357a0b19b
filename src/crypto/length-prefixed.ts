/** Words as bytes, each with its length (32 bits) before it, so that no two lists of words give the same bytes. */
export const lengthPrefixed = (words: readonly string[]): Buffer => {
  let size = 0
  for (const word of words) size += 4 + Buffer.byteLength(word)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const word of words) {
    const length = bytes.write(word, at + 4)
    bytes.writeUInt32BE(length, at)
    at += 4 + length
  }
  return bytes
}
