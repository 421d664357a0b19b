/**
 * `administrators:` of `purser.yaml`: whom a sign-in makes what. Rule: an address or a subject stands there as its provider
 * writes it, once, and makes one client of one mode.
 */
import { type Static, Type } from 'typebox'
import { isClientName } from '../core/policy.ts'
import { MODES } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import type { Report } from '../core/shape.ts'
import type { SoundEntries } from './rules.ts'

export const AdministratorEntry = Type.Object(
  {
    email: Type.Optional(Type.String()),
    subject: Type.Optional(Type.String()),
    client: Type.String(),
    mode: Type.Enum(MODES),
    scopes: Type.Optional(Type.Array(Type.String(), { maxItems: 16 }))
  },
  { additionalProperties: false }
)
export type AdministratorEntry = Static<typeof AdministratorEntry>

const EMAIL = /^[^\s@"<>,;]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,188}$/

/** OpenID Connect Core, 2. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/

const isEmail = (text: string): boolean => EMAIL.test(text)

export const checkAdministrators = (
  administrators: SoundEntries<AdministratorEntry>,
  report: Report
): void => {
  const seen = { email: new Set<string>(), subject: new Set<string>() }
  for (const [index, entry] of administrators) {
    const at = ['administrators', index]
    const { email, subject, client, scopes = [] } = entry
    for (const name of ['email', 'subject'] as const) {
      const text = entry[name]
      if (text === undefined) continue
      if (seen[name].has(text)) report([...at, name], 'stands there twice')
      seen[name].add(text)
    }
    if (email !== undefined && !isEmail(email)) {
      report([...at, 'email'], 'must be one address such as ana@example.com: there are no patterns')
    }
    if (subject !== undefined && !SUBJECT.test(subject)) {
      report([...at, 'subject'], 'must be the `sub` of ID tokens: at most 255 characters of ASCII')
    }
    if (email === undefined && subject === undefined) {
      report(at, 'needs an email, or the subject that the provider knows somebody by')
    }
    if (client !== undefined && !isClientName(client)) {
      report([...at, 'client'], 'must be the name of a client')
    }
    if (!scopes.every((one) => one !== undefined && isScope(one)))
      report([...at, 'scopes'], 'must be scopes such as aura-services:secrets')
  }
}
