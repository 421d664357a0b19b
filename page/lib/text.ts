/** Texts as they are shown. Rule: a character that is invisible, or that turns the direction of others, is spelt out. */

/** Controls, formats (all bidirectional ones among them), separators of lines, and whatever has no shape of its own. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** `a<RLO>b` becomes `a⟨U+202E⟩b`. */
export const visible = (text: string): string =>
  text.replace(
    UNSEEN,
    (one) => `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`
  )

/** At most so many characters, and never half a pair of surrogates. */
export const clip = (text: string, length: number): string => {
  const letters = [...text.slice(0, length * 2)]
  return letters.length <= length && text.length <= length * 2
    ? text
    : `${letters.slice(0, length).join('')}…`
}

const NUMBER = new Intl.NumberFormat('en-GB')
export const count = (number: number): string => NUMBER.format(number)

export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`

/** A share as a percentage; a dash where there is nothing to share. */
export const share = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`

/** `2026-11-30 21:16:15` in UTC, as all records have it; what is no time is shown as it is. */
export const moment = (iso: string): string => {
  const time = new Date(iso)
  return Number.isNaN(time.getTime())
    ? visible(iso)
    : time.toISOString().slice(0, 19).replace('T', ' ')
}

const STEPS: readonly (readonly [seconds: number, word: string])[] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute']
]

/** `3 hours ago`, `in 2 days`, `just now`. */
export const ago = (iso: string, now: number): string => {
  const seconds = Math.round((now - new Date(iso).getTime()) / 1000)
  if (Number.isNaN(seconds)) return visible(iso)
  const size = Math.abs(seconds)
  const step = STEPS.find(([length]) => size >= length)
  if (step === undefined) return seconds >= 0 ? 'just now' : 'within a minute'
  const [length, word] = step
  const told = plural(Math.floor(size / length), word)
  return seconds >= 0 ? `${told} ago` : `in ${told}`
}

/** `secret_not_found` as words. */
export const words = (code: string): string => visible(code).replaceAll(/[_-]/g, ' ')
