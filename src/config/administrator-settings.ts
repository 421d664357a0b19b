/** The rows of the table of settings that are about administrators: their sessions, and who signs in how. */
import { optional, setting } from './setting.ts'
import { flag, list, longSecrets, oneOf, text } from './setting-parsers.ts'

const PENDING = { pending: true } as const

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
  GOOGLE_CLIENT_ID: optional('sign-in of administrators with Google', text, PENDING),
  GOOGLE_CLIENT_SECRET: optional('sign-in of administrators with Google', text, {
    secret: true,
    ...PENDING
  }),
  GOOGLE_REDIRECT_URI: optional('sign-in of administrators with Google', text, PENDING),
  GOOGLE_ALLOWED_EMAILS: optional('who may sign in, comma-separated', list, PENDING)
} as const
