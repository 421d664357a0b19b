/** Words as bytes, each with its length (32 bits) before it, so that no two lists of words give the same bytes. */
export const lengthPrefixed = (words: readonly string[]): Buffer =>
  Buffer.concat(
    words.flatMap((word) => {
      const bytes = Buffer.from(word)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    })
  )
