/** The rows of the table of settings that are about administrators: their sessions, and who signs in how. */
import { optional, setting } from './setting.ts'
import { flag, list, longSecrets, oneOf, text } from './setting-parsers.ts'

export const ADMINISTRATOR_SETTINGS = {
  JWT_SECRET: optional(
    "signs administrators' sessions, without it nobody signs in; each at least 32 characters, comma-separated: all are accepted, the last signs",
    longSecrets,
    { secret: true }
  ),
  AUTH_COOKIE_SECURE: setting(
    "administrators' cookie over TLS only; false in dev alone, and under another name",
    flag,
    { fallback: 'true' }
  ),
  AUTH_COOKIE_SAMESITE: setting(
    "administrators' cookie: strict, lax or none",
    oneOf(['strict', 'lax', 'none']),
    { fallback: 'strict' }
  ),
  RETURN_JWT_IN_BODY: setting(
    'the session token in the body as well; refused in pre and pro',
    flag,
    { fallback: 'false' }
  ),
  OIDC_ISSUER: optional(
    'sign-in of administrators at any provider of OpenID Connect: its issuer, exactly as its tokens say it',
    text
  ),
  OIDC_CLIENT_ID: optional('what this service is called at that provider', text),
  OIDC_CLIENT_SECRET: optional('what this service proves itself with there', text, {
    secret: true
  }),
  OIDC_REDIRECT_URI: optional(
    'where the provider sends back: https://<this service>/v1/sessions/oidc/callback, or where the console is on a listener of its own https://<console>/console/api/v1/sessions/oidc/callback',
    text
  ),
  OIDC_ALLOWED_EMAILS: optional(
    'who may sign in, comma-separated, of those that `administrators:` of purser.yaml lists; all of them if absent',
    list
  ),
  OIDC_HOSTED_DOMAIN: optional('the `hd` that a token has to say', text),
  GOOGLE_CLIENT_ID: optional('the same at Google, whose issuer is known', text),
  GOOGLE_CLIENT_SECRET: optional('the same at Google', text, { secret: true }),
  GOOGLE_REDIRECT_URI: optional('the same at Google', text),
  GOOGLE_ALLOWED_EMAILS: optional('the same at Google', list),
  GOOGLE_HOSTED_DOMAIN: optional(
    'the domain of the Google Workspace that accounts have to be of',
    text
  )
} as const
