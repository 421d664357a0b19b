/** Bytes as text, or not at all: what is no UTF-8 is never taken for a text with its characters replaced. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text, with its byte order mark if it has one; undefined if the bytes are no UTF-8. */
export const asUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}
