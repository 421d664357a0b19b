/** Checks of the settings alone. */
import { endsBetween } from '../../config/ends.ts'
import { signInOf } from '../../config/sign-in.ts'
import { type Check, failInEarnest, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { MEND_FIRST, NotKnown } from '../not-known.ts'

const isHttp = (text: string | undefined): boolean => text?.startsWith('http:') === true

const DAY_MS = 86_400_000
/** Long enough to ask whoever asked for the rule whether it is to end. */
const SOON_DAYS = 30

const configOf = ({ config }: Installation) => {
  if (config === undefined) throw new NotKnown(MEND_FIRST)
  return config
}

const ofEverybody = (on: Installation): number =>
  configOf(on).policies.filter(({ client, read = [], write = [] }) => {
    return [client].flat().includes('*') && read.length + write.length > 0
  }).length

export const settingsChecks: readonly Check[] = [
  {
    id: 'configuration',
    title: 'the settings and purser.yaml are valid',
    topics: ['configuration']
  },
  {
    id: 'cors',
    title: 'browser pages of listed origins alone may call',
    places: ['CORS_ALLOW_ORIGINS'],
    run: ({ settings: { CORS_ALLOW_ORIGINS: origins = [] } }) =>
      when(
        origins.some(isHttp),
        warn(
          'CORS_ALLOW_ORIGINS has an http: origin, whose pages anybody on the way can change: list https: ones'
        )
      )
  },
  {
    id: 'rate-limits',
    title: 'keys, addresses and failed logins are limited',
    topics: ['limits'],
    places: ['RATE_LIMIT_ENABLED', 'RATE_LIMIT_MAX', 'RATE_LIMIT_AUTH_FAILURES_MAX']
  },
  {
    id: 'admin-write',
    title: 'the configuration cannot be changed over HTTP',
    places: ['ALLOW_ADMIN_WRITE'],
    run: ({ settings }) =>
      when(
        settings.ALLOW_ADMIN_WRITE === true,
        warn(
          'ALLOW_ADMIN_WRITE=true lets an administrator reach every secret by a bot of his own: set it to false unless bots or channels are written at run time'
        )
      )
  },
  {
    id: 'sessions',
    title: "administrators' sessions are kept from other pages and from the network",
    places: ['AUTH_COOKIE_SECURE', 'AUTH_COOKIE_SAMESITE', 'RETURN_JWT_IN_BODY'],
    run: ({ settings }) => [
      ...when(
        settings.AUTH_COOKIE_SECURE === false,
        failInEarnest('AUTH_COOKIE_SECURE=false sends the cookie in the clear: set it to true')
      ),
      ...when(
        settings.AUTH_COOKIE_SAMESITE === 'none',
        failInEarnest('AUTH_COOKIE_SAMESITE=none lets other sites use it: set it to strict or lax')
      ),
      ...when(
        settings.RETURN_JWT_IN_BODY === true,
        failInEarnest('RETURN_JWT_IN_BODY=true gives the session to scripts: set it to false')
      )
    ]
  },
  {
    id: 'sign-in',
    title: 'whoever may sign in at the provider is somebody here',
    places: ['OIDC_ISSUER', 'OIDC_ALLOWED_EMAILS', 'GOOGLE_CLIENT_ID', 'GOOGLE_ALLOWED_EMAILS'],
    run: (on) => {
      if (on.config === undefined) return []
      const { settings, administrators } = on.config
      const signIn = signInOf(settings)
      const listed = administrators.map(({ email }) => email)
      const isNobody = (email: string): boolean => !listed.includes(email)
      return [
        ...when(
          signIn !== undefined && administrators.length === 0,
          warn('sign-in is configured, and `administrators:` of purser.yaml lists nobody')
        ),
        ...when(
          listed.length > 0 && signIn?.allowedEmails?.some(isNobody) === true,
          warn('an address may sign in that `administrators:` of purser.yaml does not list')
        ),
        ...when(
          signIn === undefined && administrators.length > 0,
          warn(
            '`administrators:` of purser.yaml lists somebody, and OIDC_* or GOOGLE_* are not set'
          )
        )
      ]
    }
  },
  {
    id: 'retention',
    title: 'old records are deleted in time',
    places: ['RETENTION_PURGE_ENABLED', 'RETENTION_PURGE_INTERVAL_MINUTES', 'AUDIT_RETENTION_DAYS'],
    run: ({ settings }) =>
      when(
        settings.RETENTION_PURGE_ENABLED === false,
        warn(
          'RETENTION_PURGE_ENABLED=false keeps who read what for ever: set it to true, and AUDIT_RETENTION_DAYS to what the law asks'
        )
      )
  },
  {
    id: 'log',
    title: 'the log tells failures, and no more than it has to',
    topics: ['log'],
    places: ['LOG_LEVEL'],
    run: ({ settings: { LOG_LEVEL: level } }) =>
      when(
        level === 'debug' || level === 'trace',
        warn('LOG_LEVEL logs each request with its client: set it to info when the search is over')
      )
  },
  {
    id: 'policies',
    title: 'no rule is for every client',
    run: (on) => {
      const count = ofEverybody(on)
      return when(
        count > 0,
        warn(`${count} policies give secrets to client "*", every key there is: name the clients`)
      )
    }
  },
  {
    id: 'policy-ends',
    title: `no rule ends within ${SOON_DAYS} days`,
    run: (on) => {
      const soon = endsBetween(configOf(on), on.now, on.now + SOON_DAYS * DAY_MS)
      return when(
        soon.length > 0,
        warn(
          `rules end within ${SOON_DAYS} days, and their clients read nothing by them any more: ${soon.join('; ')}: set a later until, or let them end`
        )
      )
    }
  },
  {
    id: 'stores-trusted',
    title: 'stores are verified, encrypted and not of the kind for trying things out',
    topics: ['stores']
  }
]
