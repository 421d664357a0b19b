/**
 * The text of a file that people write, or that something mounts for them. Rule: there is this one way of reading it. A
 * byte order mark is no part of it; what would be misread (UTF-16, as some Windows programs save it) is refused, never
 * guessed.
 */
import { asUtf8 } from './utf8.ts'

const isMarkedUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** For texts that come by another way than a file, such as a secret's. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, '')

/** Throws `Error` with the end of a sentence that repeats nothing of the text. */
export const textOfFile = (bytes: Uint8Array): string => {
  if (isMarkedUtf16(bytes)) throw new Error('is UTF-16: save it as UTF-8')
  const text = asUtf8(bytes)
  if (text === undefined) throw new Error('is not UTF-8 text')
  // UTF-16 without its mark is UTF-8 with NULs.
  if (text.includes('\0')) throw new Error('holds a NUL: save it as UTF-8 text')
  return withoutMark(text)
}

/** The one text that a file is there for, such as a password or a token: white space around it goes too. */
export const wordOfFile = (bytes: Uint8Array): string => textOfFile(bytes).trim()

const MARK = Buffer.from('\uFEFF')

/** A PEM file, as bytes: its comments may be in any alphabet. OpenSSL does not see a block that follows a mark. */
export const pemOfFile = (bytes: Uint8Array): Buffer => {
  if (isMarkedUtf16(bytes)) throw new Error('is UTF-16: save it as UTF-8')
  const pem = Buffer.from(bytes)
  return pem.subarray(0, MARK.length).equals(MARK) ? pem.subarray(MARK.length) : pem
}
