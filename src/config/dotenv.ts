/**
 * The lines of an `.env`. Rule: a line is taken as it stands, or it is a fault with its place; nothing is cut off,
 * guessed or overwritten in silence. What is taken: `NAME=value` and `export NAME=value`, blanks around the sign, a
 * value in single, double or back quotes (also over several lines; `\n` in double quotes is a line's end), and comments
 * after a blank and `#`.
 */
import type { ConfigFault } from './fault.ts'
import { settingNames } from './settings.ts'

export interface EnvLine {
  readonly name: string
  readonly value: string
  /** From 1. */
  readonly line: number
}

export interface Dotenv {
  readonly lines: readonly EnvLine[]
  readonly faults: readonly ConfigFault[]
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=(.*)$/
const IGNORED = /^\s*(#.*)?$/
const CONTROL = /[^\P{Cc}\t\n]/u
/** What may follow a closing quote. */
const AFTER = /^[ \t]*$|^[ \t]+#/
const QUOTE = /^["'`]/

const SETTINGS: ReadonlySet<string> = new Set(settingNames)

/** A closing quote that was forgotten would swallow the settings after it. */
const opensSetting = (line: string): boolean => SETTINGS.has(ASSIGNMENT.exec(line)?.[1] ?? '')

interface Quoted {
  readonly value: string
  /** How many lines it takes beyond the first. */
  readonly more: number
}

/** Throws `Error` with the end of a sentence. */
const readQuoted = (first: string, following: readonly string[]): Quoted => {
  const quote = first.charAt(0)
  let text = first.slice(1)
  for (let more = 0; ; more++) {
    const end = text.indexOf(quote)
    if (end >= 0) {
      if (!AFTER.test(text.slice(end + 1))) {
        throw new Error('goes on after its closing quote: take another kind of quotes')
      }
      const inside = text.slice(0, end)
      return { value: quote === '"' ? inside.replaceAll('\\n', '\n') : inside, more }
    }
    const next = following[more]
    if (next === undefined || opensSetting(next))
      throw new Error('opens a quote that is not closed')
    text += `\n${next}`
  }
}

/** Throws `Error` with the end of a sentence. */
const readPlain = (rest: string): string => {
  const value = rest.replace(/[ \t]#.*$/, '').trim()
  const last = value.at(-1) ?? ''
  if (QUOTE.test(last) && value.split(last).length % 2 === 0) {
    throw new Error('ends in a quote that nothing opens')
  }
  return value
}

/** `label` is what faults call the file. */
export const parseDotenv = (text: string, label: string): Dotenv => {
  const all = text.split(/\r?\n/)
  const lines: EnvLine[] = []
  const faults: ConfigFault[] = []
  const stands = new Map<string, EnvLine>()
  for (let at = 0; at < all.length; at++) {
    const written = all[at] ?? ''
    if (IGNORED.test(written)) continue
    const line = at + 1
    try {
      const [, name, rest = ''] = ASSIGNMENT.exec(written) ?? []
      if (name === undefined) throw new Error('is not of the form NAME=value')
      const trimmed = rest.trimStart()
      const isQuoted = QUOTE.test(trimmed)
      const { value, more } = isQuoted
        ? readQuoted(trimmed, all.slice(at + 1))
        : { value: readPlain(rest), more: 0 }
      at += more
      if (CONTROL.test(value)) throw new Error('has a control character')
      const former = stands.get(name)
      if (former !== undefined && former.value !== value && value !== '') {
        throw new Error(
          `sets ${name}, which line ${former.line} sets to another value: take one away`
        )
      }
      const entry = { name, value, line }
      if (value !== '') stands.set(name, entry)
      lines.push(entry)
    } catch (error) {
      faults.push({ place: `${label}:${line}`, message: (error as Error).message })
    }
  }
  return { lines, faults }
}
