/**
 * An audit event as one line of JSON. Rule: its members are named here one by one and in this order, and whatever a
 * caller had a hand in is cut to a length and cannot end a line or steer a terminal.
 */
import type { AuditEvent } from '../core/audit-event.ts'

/** The members in their order, each with the most characters that it may have. */
const LONGEST: Readonly<Record<keyof AuditEvent, number>> = {
  action: 256,
  outcome: 256,
  code: 256,
  reason: 256,
  environment: 256,
  client: 64,
  keyId: 256,
  kid: 256,
  route: 256,
  requestId: 128,
  address: 256,
  reference: 2_300,
  object: 256,
  version: 256,
  cache: 256
}

interface Member {
  readonly name: keyof AuditEvent
  readonly longest: number
  /** What the last event had here, and how it was written. */
  text: string | undefined
  written: string
}
const MEMBERS: readonly Member[] = Object.entries(LONGEST).map(([name, longest]) => ({
  name: name as keyof AuditEvent,
  longest,
  text: undefined,
  written: ''
}))

// JSON leaves these as they are, but readers of lines and terminals do not (C1 controls, line and paragraph separator).
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g
/** Nothing in such a text has to be escaped. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const quoted = (text: string, longest: number): string => {
  const cut = text.length > longest ? text.slice(0, longest) : text
  return PLAIN.test(cut) ? `"${cut}"` : JSON.stringify(cut).replace(UNSAFE, escaped)
}

/** Most events have most of their members in common with the one before, and need not be escaped again. */
const write = (member: Member, text: string): string => {
  if (text !== member.text) {
    member.written = `,"${member.name}":${quoted(text, member.longest)}`
    member.text = text
  }
  return member.written
}

/**
 * The line without its end, to which its place in the chain is added (`chain-line.ts`). `time` is ISO 8601 in UTC with
 * milliseconds. It has no line feed.
 */
export const bodyOf = (time: string, event: AuditEvent): string => {
  let line = `{"time":"${time}"`
  for (const member of MEMBERS) {
    const text = event[member.name]
    if (text !== undefined) line += write(member, text)
  }
  return line
}
