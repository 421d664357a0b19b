/** Administrators' sessions: what opens and reads them, how they stand in a cookie, and who signs in at a provider. */
import { endsAtConsole, type SignInSettings, signInOf } from '../config/sign-in.ts'
import { Sensitive } from '../core/secret.ts'
import { createCookie } from '../http/session-cookie.ts'
import type { SessionGate } from '../http/session-gate.ts'
import { createUsedStates } from '../integrations/used-states.ts'
import { type AdministratorOf, administratorIn } from '../keys/administrators.ts'
import { createOidcProvider } from '../keys/oidc.ts'
import { createSessionRegister } from '../keys/session-register.ts'
import { createSessions } from '../keys/sessions.ts'
import { createSignIn, type SignIn } from '../keys/sign-in.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

const COOKIE = 'purser-session'
const TRANSACTION_COOKIE = 'purser-sign-in'

const createSignInOn = (
  { state, shared, live, fetch, now }: Ground,
  { clientSecret, ...settings }: SignInSettings,
  administratorOf: AdministratorOf
): SignIn =>
  createSignIn({
    provider: createOidcProvider({
      settings: { ...settings, clientSecret: new Sensitive(clientSecret) },
      fetch,
      now
    }),
    signer: () => live().signInSigner,
    take: createUsedStates({ state, shared, now }).take,
    administratorOf,
    hostedDomain: settings.hostedDomain,
    now
  })

/** In dev alone, whoever hands them in. */
export const codesOf = ({ settings, overrides }: Ground): SignInCodes | undefined =>
  settings.ENVIRONMENT === 'dev' ? overrides.signInCodes : undefined

export type SignIns = ReturnType<typeof createSignIns>

export const createSignIns = (
  ground: Ground,
  { authenticator, revocations }: Pick<Keys, 'authenticator' | 'revocations'>
) => {
  const { settings, live, now } = ground
  const { AUTH_COOKIE_SECURE: secure, AUTH_COOKIE_SAMESITE: sameSite } = settings
  const atProvider = signInOf(settings)
  const administratorOf: AdministratorOf = (account) => {
    // Also of whoever signed in before the settings were changed.
    if (account.issuer !== atProvider?.issuer) return 'other_issuer'
    const { allowedEmails } = atProvider
    if (allowedEmails && account.email === undefined) return 'email_unverified'
    return allowedEmails?.includes(account.email ?? '') === false
      ? 'email_not_listed'
      : administratorIn(live().config.administrators, account)
  }
  const sessions = createSessions({
    signer: () => live().sessionSigner,
    refusalOf: authenticator.refusalOf,
    revocations,
    register: createSessionRegister({
      state: ground.state,
      sealer: ground.sealer,
      onFailure: () => ground.log('warn', 'the register of sessions cannot be written')
    }),
    administratorOf,
    codeUser: codesOf(ground)?.user,
    environment: settings.ENVIRONMENT,
    adminScope: settings.ADMIN_SCOPE,
    now
  })
  const gate: SessionGate = {
    sessions,
    cookie: createCookie(COOKIE, { secure, sameSite }),
    origins: { secure },
    now
  }
  return {
    sessions,
    gate,
    signIn: atProvider && createSignInOn(ground, atProvider, administratorOf),
    transactionCookie: createCookie(TRANSACTION_COOKIE, { secure, sameSite: 'lax' }),
    landing: endsAtConsole(settings) ? '/console' : '/v1/sessions'
  }
}
