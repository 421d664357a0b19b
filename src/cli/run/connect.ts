/**
 * The service, as PURSER_URL, the files of TLS, PURSER_KEY_FILE and a trust say. Rule: nothing else says it, no file of
 * settings either; key and token are read whenever they are needed, since others renew them.
 */
import { statSync } from 'node:fs'
import type { Environ } from '../../config/env.ts'
import { whyUnread } from '../../config/fault.ts'
import { wordOfFile } from '../../core/file-text.ts'
import { Sensitive } from '../../core/secret.ts'
import { readFileBytes } from '../../files/read.ts'
import { type Client, createClient } from '../client.ts'
import { exchangeToken } from '../client-login.ts'
import { usageFailure } from '../failure.ts'
import { servicePlace } from '../service-place.ts'
import type { Clock } from './clock.ts'
import { createPurser, type Purser } from './purser.ts'
import { type Login, type Session, sessionByFile, sessionByLogin } from './session.ts'
import { createStreams } from './streams.ts'
import { Unread, unreachable } from './unread.ts'

const word = async (name: string, path: string): Promise<Sensitive<string>> => {
  const no = (why: string): Unread =>
    new Unread([{ what: undefined, code: 'no_key', why: `The file that ${name} names ${why}` }])
  let text: string
  try {
    text = wordOfFile(await readFileBytes(path))
  } catch (error) {
    throw no(whyUnread(error))
  }
  if (!/^[\x21-\x7e]+$/.test(text)) throw no('holds none')
  return new Sensitive(text)
}

export interface ConnectOptions {
  readonly environ: Environ
  readonly trust?: string | undefined
  readonly tokenFile?: string | undefined
  readonly clock: Clock
  readonly tell: (line: string) => void
  /** Nobody waits for a login any more. */
  readonly stopped: AbortSignal
}

/** A volume of Kubernetes may give a file to a group of one. */
const isExposed = (path: string): boolean => {
  try {
    return (statSync(path).mode & 0o007) !== 0
  } catch {
    // Whoever reads it says what is wrong.
    return false
  }
}

const sessionOf = (options: ConnectOptions, client: Client): Session => {
  const { environ, trust, tokenFile, clock, tell, stopped } = options
  const path = environ['PURSER_KEY_FILE'] ?? ''
  if (tokenFile !== undefined) {
    if (path !== '') tell('PURSER_KEY_FILE is not used: --token-file says how to log in.')
    const login = async (): Promise<Login> => {
      const token = await word('--token-file', tokenFile)
      const asked = exchangeToken(client, trust, token.reveal(), stopped)
      const given = await asked.catch((error: unknown) => {
        throw unreachable(error, 'no_login')
      })
      return { key: new Sensitive(given.key), lifeMs: given.expiresInSeconds * 1000 }
    }
    return sessionByLogin({ login, clock, tell })
  }
  if (path === '') {
    throw usageFailure(
      'PURSER_KEY_FILE names a file with an API key; or give --token-file, for a login.'
    )
  }
  if (isExposed(path))
    tell('Everybody on this machine can use the file that PURSER_KEY_FILE names: chmod 600.')
  return sessionByFile(() => word('PURSER_KEY_FILE', path))
}

export interface Connected {
  readonly purser: Purser
  readonly session: Session
  readonly close: () => void
}

/** Rejects with a CommandFailure. */
export const connect = async (options: ConnectOptions): Promise<Connected> => {
  const place = servicePlace()
  const client = await createClient(place)
  const session = sessionOf(options, client)
  const openStream = await createStreams(place)
  return { purser: createPurser({ client, openStream, session }), session, close: client.close }
}
