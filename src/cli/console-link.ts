/**
 * The link by which `purser quickstart` opens the console, signed in. Rule: it is printed on the terminal and nowhere else;
 * its code stands in the fragment, which no browser sends, and works once, for a minute; a signal prints another.
 */
import type { Config } from '../config/config.ts'
import { isLoopback } from '../core/network.ts'
import { CODE_SECONDS, createSignInCodes, type SignInCodes } from '../keys/sign-in-codes.ts'
import { print } from './io.ts'

/** Whoever tries Purser out administers it as this client. */
const ADMINISTRATOR = 'operator'

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]'])
const isHere = (host: string): boolean => isLoopback(host) || EVERYWHERE.has(host)

/** Undefined where a link could not sign in: no console, behind a proxy, or in several processes. */
export const codesFor = ({ settings }: Config): SignInCodes | undefined => {
  const { ENVIRONMENT, CONSOLE_ENABLED, JWT_SECRET, TRUST_PROXY, WORKERS } = settings
  const { CONSOLE_HOST, INTERNAL_HOST, HOST, ADMIN_SCOPE, SCOPE_ROOT } = settings
  const isServed = ENVIRONMENT === 'dev' && CONSOLE_ENABLED && JWT_SECRET !== undefined
  const isPlain = TRUST_PROXY === undefined && WORKERS === 1
  if (!isServed || !isPlain || !isHere(CONSOLE_HOST ?? INTERNAL_HOST ?? HOST)) return undefined
  const scopes = [ADMIN_SCOPE, `${SCOPE_ROOT}:secrets`]
  return createSignInCodes({ client: ADMINISTRATOR, mode: 'rw', scopes })
}

export const linkTo = (consoleOrigin: string, code: string): string => {
  const url = new URL('/console', consoleOrigin)
  if (EVERYWHERE.has(url.hostname)) url.hostname = 'localhost'
  url.hash = `code=${code}`
  return url.href
}

/** Lines for the terminal; from then on SIGUSR2 prints another link. */
export const announceLink = (codes: SignInCodes, consoleOrigin: string): readonly string[] => {
  const lines = (): readonly string[] => [
    `The console, where you are signed in as ${ADMINISTRATOR}: once, within ${CODE_SECONDS} seconds`,
    linkTo(consoleOrigin, codes.issue())
  ]
  process.on('SIGUSR2', () => void print(`\n${lines().join('\n')}\n`))
  return [...lines(), `Another link: kill -USR2 ${process.pid}`]
}
