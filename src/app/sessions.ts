/** Administrators' sessions: what opens and reads them, how they stand in a cookie, and who signs in at a provider. */
import { type SignInSettings, signInOf } from '../config/sign-in.ts'
import { Sensitive } from '../core/secret.ts'
import { createCookie } from '../http/session-cookie.ts'
import type { SessionGate } from '../http/session-gate.ts'
import { createUsedStates } from '../integrations/used-states.ts'
import { createOidcProvider } from '../keys/oidc.ts'
import { createSessions } from '../keys/sessions.ts'
import { type Administrator, createSignIn, type SignIn } from '../keys/sign-in.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

const COOKIE = 'purser-session'
const TRANSACTION_COOKIE = 'purser-sign-in'

/** The console only where it is on the listener of the sign-in's own routes. */
const landingOf = ({ CONSOLE_ENABLED, CONSOLE_PORT, INTERNAL_PORT }: Ground['settings']): string =>
  CONSOLE_ENABLED && CONSOLE_PORT === undefined && INTERNAL_PORT === undefined
    ? '/console'
    : '/v1/sessions'

type AdministratorOf = (email: string) => Administrator | undefined

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
  const administratorOf: AdministratorOf = (email) => {
    const isAllowed = atProvider && (atProvider.allowedEmails?.includes(email) ?? true)
    if (!isAllowed) return undefined
    return live().config.administrators.find((one) => one.email === email)
  }
  const sessions = createSessions({
    signer: () => live().sessionSigner,
    refusalOf: authenticator.refusalOf,
    revocations,
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
    landing: landingOf(settings)
  }
}
