/**
 * Whom a sign-in at a provider makes what. Rule: an account is known by the issuer's subject, which goes to nobody else, and
 * by an address only where the issuer has verified it; whom `administrators:` does not list is nobody.
 */
import type { Mode } from '../core/principal.ts'
import type { Reason } from '../core/reason.ts'

interface Granted {
  readonly client: string
  readonly mode: Mode
  /** Besides ADMIN_SCOPE. */
  readonly scopes?: readonly string[]
}

/** As the file has one: by the address, by the subject, or by both, which then both have to be right. */
export interface Administrator extends Granted {
  readonly email?: string
  readonly subject?: string
}

/** As a provider tells of who signed in. */
export interface Account {
  readonly issuer: string
  readonly subject: string
  /** Undefined: it is not verified. */
  readonly email: string | undefined
}

/** Who is signed in. */
export interface SignedInUser extends Granted {
  readonly issuer: string
  readonly subject: string
  readonly email?: string
}

/** What is granted to it, without who it is. */
export const grantOf = ({ client, mode, scopes }: Granted): Granted => ({
  client,
  mode,
  ...(scopes && { scopes })
})

/** The first in the list that fits; or why there is none. */
export const administratorIn = (
  listed: readonly Administrator[],
  { email, subject }: Account
): Administrator | Reason => {
  const found = listed.find(
    (one) =>
      (one.email === undefined || one.email === email) &&
      (one.subject === undefined || one.subject === subject)
  )
  if (found !== undefined) return found
  if (email === undefined) return 'email_unverified'
  return listed.some((one) => one.email === email) ? 'other_subject' : 'email_not_listed'
}

export type AdministratorOf = (account: Account) => Administrator | Reason
