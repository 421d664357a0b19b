/**
 * An audit event as one line of JSON. Rule: its members are named here one by one and in this order, and whatever a
 * caller had a hand in is cut to a length, cannot end a line or steer a terminal, and holds no key or token, which whoever
 * mixes up a path and a credential puts there.
 */
import type { AuditEvent } from '../core/audit-event.ts'

interface Member {
  readonly name: keyof AuditEvent
  /** The most characters that it may have. */
  readonly longest: number
  /** What the last event had here, and how it was written. */
  text: string | undefined
  written: string
}

const member = (name: keyof AuditEvent, longest = 256): Member => ({
  name,
  longest,
  text: undefined,
  written: ''
})

const ACTION = member('action')
const OUTCOME = member('outcome')
const CODE = member('code')
const REASON = member('reason')
const ENVIRONMENT = member('environment')
const CLIENT = member('client', 64)
const KEY_ID = member('keyId')
const KID = member('kid')
const SESSION_ID = member('sessionId')
const USER = member('user')
const ROUTE = member('route')
const REQUEST_ID = member('requestId', 128)
const ADDRESS = member('address')
const REFERENCE = member('reference', 2_300)
const OBJECT = member('object')
const ISSUER = member('issuer')
const SUBJECT = member('subject')
const TOKEN_ID = member('tokenId')
const VERSION = member('version')
const CACHE = member('cache')

// JSON leaves these as they are, but readers of lines and terminals do not (C1 controls, line and paragraph separator).
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g
/** Nothing in such a text has to be escaped. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

// In compact form (RFC 7515, 3.1; RFC 7516, 3.1) keys, sessions and tokens begin with the base64url of `{"`, as no name does.
const CREDENTIAL = /eyJ[\w-]{8,}\.[\w.-]*/g
const WITHHELD = 'eyJ...'

const quoted = (text: string, longest: number): string => {
  const open = text.includes('eyJ') ? text.replace(CREDENTIAL, WITHHELD) : text
  const cut = open.length > longest ? open.slice(0, longest) : open
  return PLAIN.test(cut) ? `"${cut}"` : JSON.stringify(cut).replace(UNSAFE, escaped)
}

/** Most events have most of their members in common with the one before, and need not be escaped again. */
const write = (member: Member, text: string | undefined): string => {
  if (text === undefined) return ''
  if (text !== member.text) {
    member.written = `,"${member.name}":${quoted(text, member.longest)}`
    member.text = text
  }
  return member.written
}

/** What the records of a batch have in common: their time, and all members before the reference. */
const partsOf = (time: string, event: AuditEvent): readonly string[] => [
  `{"time":"${time}"`,
  write(ACTION, event.action),
  write(OUTCOME, event.outcome),
  write(CODE, event.code),
  write(REASON, event.reason),
  write(ENVIRONMENT, event.environment),
  write(CLIENT, event.client),
  write(KEY_ID, event.keyId),
  write(KID, event.kid),
  write(SESSION_ID, event.sessionId),
  write(USER, event.user),
  write(ROUTE, event.route),
  write(REQUEST_ID, event.requestId),
  write(ADDRESS, event.address)
]

/** By the time and each member of `partsOf`. */
const isAlike = (a: Last, time: string, event: AuditEvent): boolean =>
  a.event.requestId === event.requestId &&
  a.time === time &&
  a.event.action === event.action &&
  a.event.outcome === event.outcome &&
  a.event.code === event.code &&
  a.event.reason === event.reason &&
  a.event.environment === event.environment &&
  a.event.client === event.client &&
  a.event.keyId === event.keyId &&
  a.event.kid === event.kid &&
  a.event.sessionId === event.sessionId &&
  a.event.user === event.user &&
  a.event.route === event.route &&
  a.event.address === event.address

interface Last {
  readonly time: string
  readonly event: AuditEvent
  /** One piece of text, once a second record began with it: pieces are put together anew for each line. */
  start: string | undefined
}
let last: Last | undefined

const startOf = (time: string, event: AuditEvent): string => {
  if (last !== undefined && isAlike(last, time, event)) {
    last.start ??= partsOf(time, event).join('')
    return last.start
  }
  last = { time, event, start: undefined }
  let start = ''
  for (const part of partsOf(time, event)) start += part
  return start
}

/**
 * The line without its end, to which its place in the chain is added (`chain-line.ts`). `time` is ISO 8601 in UTC with
 * milliseconds. It has no line feed.
 */
export const bodyOf = (time: string, event: AuditEvent): string =>
  startOf(time, event) +
  write(REFERENCE, event.reference) +
  write(OBJECT, event.object) +
  write(ISSUER, event.issuer) +
  write(SUBJECT, event.subject) +
  write(TOKEN_ID, event.tokenId) +
  write(VERSION, event.version) +
  write(CACHE, event.cache)
