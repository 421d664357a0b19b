/**
 * Sign-in of administrators as the settings have it: by any provider, or by Google. Rule: it is whole or off, and nothing of
 * it goes in the clear, but on one machine in dev.
 */
import { isLoopback } from '../core/network.ts'
import type { ConfigFault } from './fault.ts'
import type { SettingName, Settings } from './settings.ts'

const GOOGLE_ISSUER = 'https://accounts.google.com'
const CALLBACK_PATH = '/v1/sessions/oidc/callback'
const CONSOLE_CALLBACK = `/console/api${CALLBACK_PATH}`

export interface SignInSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  /** Undefined: whomever `administrators:` lists. */
  readonly allowedEmails: readonly string[] | undefined
  readonly hostedDomain: string | undefined
}

type Given = { readonly [K in keyof SignInSettings]: SignInSettings[K] | undefined }

const atAny = (settings: Partial<Settings>): Given => ({
  issuer: settings.OIDC_ISSUER,
  clientId: settings.OIDC_CLIENT_ID,
  clientSecret: settings.OIDC_CLIENT_SECRET,
  redirectUri: settings.OIDC_REDIRECT_URI,
  allowedEmails: settings.OIDC_ALLOWED_EMAILS,
  hostedDomain: settings.OIDC_HOSTED_DOMAIN
})

const atGoogle = (settings: Partial<Settings>): Given => ({
  issuer: GOOGLE_ISSUER,
  clientId: settings.GOOGLE_CLIENT_ID,
  clientSecret: settings.GOOGLE_CLIENT_SECRET,
  redirectUri: settings.GOOGLE_REDIRECT_URI,
  allowedEmails: settings.GOOGLE_ALLOWED_EMAILS,
  hostedDomain: settings.GOOGLE_HOSTED_DOMAIN
})

const isSet = (given: Given): boolean =>
  Object.values(given).some((value) => value !== undefined && value !== GOOGLE_ISSUER)

/** Undefined: nobody signs in at a provider. */
export const signInOf = (settings: Settings): SignInSettings | undefined => {
  const any = atAny(settings)
  const given = isSet(any) ? any : atGoogle(settings)
  const { issuer, clientId, clientSecret, redirectUri } = given
  if (!(issuer && clientId && clientSecret && redirectUri)) return undefined
  return { ...given, issuer, clientId, clientSecret, redirectUri }
}

/**
 * Whether the page leads to the provider, and the provider back to the page: either the console has the callback, or it is
 * on the listener that has it.
 */
export const endsAtConsole = (settings: Settings): boolean => {
  const redirectUri = signInOf(settings)?.redirectUri
  const { CONSOLE_ENABLED, CONSOLE_PORT, INTERNAL_PORT } = settings
  if (!CONSOLE_ENABLED || redirectUri === undefined) return false
  const isElsewhere = CONSOLE_PORT !== undefined || INTERNAL_PORT !== undefined
  return redirectUri.endsWith(CONSOLE_CALLBACK) || !isElsewhere
}

const faultOfAddress = (
  address: string,
  { ENVIRONMENT }: Partial<Settings>
): string | undefined => {
  if (!URL.canParse(address)) return 'must be an address such as https://accounts.example.com'
  const { protocol, hostname, username, password, search, hash } = new URL(address)
  if (username || password || search || hash) return 'has no user, query or fragment'
  const isHere = ENVIRONMENT === 'dev' && isLoopback(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isHere)
    ? undefined
    : 'must be an https: address'
}

const NEEDED = {
  OIDC: ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_REDIRECT_URI'],
  GOOGLE: ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET', 'GOOGLE_REDIRECT_URI']
} as const

export const faultsOfSignIn = (
  settings: Partial<Settings>,
  isUnknown: (name: SettingName) => boolean
): ConfigFault[] => {
  const faults: ConfigFault[] = []
  const fault = (place: SettingName, message: string): number => faults.push({ place, message })
  const [any, google] = [isSet(atAny(settings)), isSet(atGoogle(settings))]
  if (any && google) {
    fault('OIDC_ISSUER', 'and the like are given beside GOOGLE_*: take one of the two')
  }
  for (const name of [...(any ? NEEDED.OIDC : []), ...(google ? NEEDED.GOOGLE : [])]) {
    if (settings[name] === undefined && !isUnknown(name)) {
      fault(name, 'is lacking: sign-in at a provider is whole or off')
    }
  }
  for (const name of ['OIDC_ISSUER', 'OIDC_REDIRECT_URI', 'GOOGLE_REDIRECT_URI'] as const) {
    const address = settings[name]
    if (address === undefined) continue
    const message = faultOfAddress(address, settings)
    if (message !== undefined) fault(name, message)
    else if (name === 'OIDC_ISSUER') continue
    else if (!address.endsWith(CALLBACK_PATH)) {
      fault(name, `must end with ${CALLBACK_PATH}, or at the console ${CONSOLE_CALLBACK}`)
    } else if (address.endsWith(CONSOLE_CALLBACK) && settings.CONSOLE_ENABLED === false) {
      fault(name, 'leads to the console, and CONSOLE_ENABLED is false')
    }
  }
  if ((any || google) && settings.JWT_SECRET === undefined && !isUnknown('JWT_SECRET')) {
    fault('JWT_SECRET', 'is needed where administrators sign in at a provider')
  }
  return faults
}
