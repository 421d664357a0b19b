/**
 * `administrators:` of `purser.yaml`: whom a sign-in makes what. Rule: an address stands there as its provider writes it,
 * once, and makes one client of one mode.
 */
import { type Static, Type } from 'typebox'
import { isClientName } from '../core/policy.ts'
import { MODES } from '../core/principal.ts'
import type { Report } from '../core/shape.ts'
import type { SoundEntries } from './rules.ts'

export const AdministratorEntry = Type.Object(
  { email: Type.String(), client: Type.String(), mode: Type.Enum(MODES) },
  { additionalProperties: false }
)
export type AdministratorEntry = Static<typeof AdministratorEntry>

const EMAIL = /^[^\s@"<>,;]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,188}$/

const isEmail = (text: string): boolean => EMAIL.test(text)

export const checkAdministrators = (
  administrators: SoundEntries<AdministratorEntry>,
  report: Report
): void => {
  const seen = new Set<string>()
  for (const [index, { email, client }] of administrators) {
    const at = ['administrators', index]
    if (email !== undefined && !isEmail(email)) {
      report([...at, 'email'], 'must be one address such as ana@example.com: there are no patterns')
    } else if (email !== undefined && seen.has(email)) {
      report([...at, 'email'], 'stands there twice')
    }
    if (email !== undefined) seen.add(email)
    if (client !== undefined && !isClientName(client)) {
      report([...at, 'client'], 'must be the name of a client')
    }
  }
}
