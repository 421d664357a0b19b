/**
 * The service, as PURSER_URL, PURSER_CA_FILE, PURSER_KEY_FILE and a trust say. Rule: nothing else says it, no file of
 * settings either; the files are read whenever they are needed, since others renew them.
 */
import type { Environ } from '../../config/env.ts'
import { whyUnread } from '../../config/fault.ts'
import { pemOfFile, wordOfFile } from '../../core/file-text.ts'
import { Sensitive } from '../../core/secret.ts'
import { readFileBytes } from '../../files/read.ts'
import { usageFailure } from '../failure.ts'
import type { Clock } from './clock.ts'
import { createPurser, type Purser } from './purser.ts'
import { type Login, type Session, sessionByFile, sessionByLogin } from './session.ts'
import { Unread } from './unread.ts'
import { createWire, type Wire } from './wire.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

const urlIn = (environ: Environ): URL => {
  const text = environ['PURSER_URL'] ?? ''
  if (text === '') throw usageFailure('PURSER_URL says where the service is, and is not set.')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw usageFailure('PURSER_URL is no address, such as https://purser.example.com.')
  }
  const isFit =
    url.username + url.password + url.search + url.hash === '' && /^https?:$/.test(url.protocol)
  if (!isFit) throw usageFailure('PURSER_URL is https://, a host, and a port or a path if need be.')
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw usageFailure('PURSER_URL is https: unless the service is on this machine.')
  }
  return url
}

const word = async (name: string, path: string): Promise<Sensitive<string>> => {
  try {
    const text = wordOfFile(await readFileBytes(path))
    if (/^[\x21-\x7e]+$/.test(text)) return new Sensitive(text)
  } catch (error) {
    const why = `The file that ${name} names ${whyUnread(error)}`
    throw new Unread([{ what: undefined, code: 'no_key', why }])
  }
  const why = `The file that ${name} names holds no such thing`
  throw new Unread([{ what: undefined, code: 'no_key', why }])
}

export interface ConnectOptions {
  readonly environ: Environ
  readonly trust?: string | undefined
  readonly tokenFile?: string | undefined
  readonly clock: Clock
  readonly tell: (line: string) => void
}

export type LoginOver = (wire: Wire, trust: string, token: Sensitive<string>) => Promise<Login>

const sessionOf = (options: ConnectOptions, wire: Wire, loginOver: LoginOver): Session => {
  const { environ, trust, tokenFile, clock, tell } = options
  if (trust !== undefined && tokenFile !== undefined) {
    const login = async (): Promise<Login> =>
      loginOver(wire, trust, await word('--token-file', tokenFile))
    return sessionByLogin({ login, clock, tell })
  }
  const path = environ['PURSER_KEY_FILE'] ?? ''
  if (path === '') {
    throw usageFailure(
      'PURSER_KEY_FILE names a file with an API key; or give --trust and --token-file.'
    )
  }
  return sessionByFile(() => word('PURSER_KEY_FILE', path))
}

export interface Connected {
  readonly purser: Purser
  readonly session: Session
}

/** Rejects with a failure of usage. */
export const connect = async (
  options: ConnectOptions,
  loginOver: LoginOver
): Promise<Connected> => {
  const { environ } = options
  const url = urlIn(environ)
  const caFile = environ['PURSER_CA_FILE'] ?? ''
  let ca: Buffer | undefined
  try {
    if (caFile !== '') ca = pemOfFile(await readFileBytes(caFile))
  } catch (error) {
    throw usageFailure(`The file that PURSER_CA_FILE names ${whyUnread(error)}.`)
  }
  const wire = createWire({ url, ...(ca && { ca }) })
  const session = sessionOf(options, wire, loginOver)
  return { purser: createPurser(wire, session), session }
}
