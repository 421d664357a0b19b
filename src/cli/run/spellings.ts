/**
 * How a secret may be spelt in what a program prints: as it is, in base64 wherever it stands in what was encoded, in JSON,
 * percent-encoded, and the lines of a text of several. Rule: what is too short to tell apart from other output is left.
 */

import { asJson } from '../../core/json.ts'
import type { Content } from './read.ts'

/** Bytes. Shorter ones are words of any language. */
export const SHORTEST = 6
const SHORTEST_LINE = 16

/**
 * The part of the base64 that the bytes alone decide, behind none, one or two others: the basic authentication of
 * `user:password` has the password in the middle.
 */
const inBase64 = (bytes: Buffer): string[] => {
  const within = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor(((before + bytes.length) * 8) / 6)
    return encoded.slice(from, to)
  })
  return [bytes.toString('base64').replace(/=+$/, ''), ...within]
}

const inUrl = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_')

const percentEncoded = (text: string): string[] => {
  try {
    const encoded = encodeURIComponent(text)
    return [encoded, encoded.replaceAll('%20', '+')]
  } catch {
    return []
  }
}

const linesOf = (text: string): string[] =>
  text.includes('\n')
    ? text
        .split(/\r?\n/)
        .filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'))
    : []

const spellingsOfText = (text: string): Buffer[] => {
  const json = JSON.stringify(text).slice(1, -1)
  const plain = [text, json, ...percentEncoded(text), ...linesOf(text)]
  const base64 = inBase64(Buffer.from(text))
  return [...plain, ...base64, ...base64.map(inUrl)].map((one) => Buffer.from(one))
}

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

/** Of one secret; none if it is too short. A newline at its end is seldom printed with it. */
export const spellingsOf = ({ bytes, form }: Content): Buffer[] => {
  const content = bytes.reveal()
  const texts = content.toString()
  const found =
    form === 'binary'
      ? [
          content,
          ...inBase64(content).flatMap((one) => [Buffer.from(one), Buffer.from(inUrl(one))])
        ]
      : [
          ...spellingsOfText(texts.replace(/\r?\n$/, '')),
          // The values of an object are secrets each, whether it stands in fields or in one.
          ...textsIn(asJson(texts))
            .filter((text) => Buffer.byteLength(text) >= SHORTEST)
            .flatMap(spellingsOfText)
        ]
  return content.length < SHORTEST ? [] : found.filter(({ length }) => length >= SHORTEST)
}
