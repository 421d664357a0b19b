/**
 * Which Redis is meant: its URL, and the certificates to reach it with. Rule: what cannot be used is a fault before
 * anything starts; later the files are read for each connection, since certificates are renewed while a service runs.
 */
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { pemOfFile } from '../core/file-text.ts'
import { readFileBytesSync } from '../files/read.ts'
import type { RedisAddress, RedisCredentials } from '../state/redis-url.ts'
import { ConfigError, whyUnread } from './fault.ts'
import type { Settings } from './settings.ts'

export interface RedisPlace {
  readonly address: RedisAddress
  readonly prefix: string
}

/** The settings that say where the state is. */
export const STATE_PLACE = [
  'DATA_DIR',
  'REDIS_URL',
  'REDIS_KEY_PREFIX',
  'REDIS_CA_FILE',
  'REDIS_CERT_FILE',
  'REDIS_KEY_FILE'
] as const

type FileName = 'REDIS_CA_FILE' | 'REDIS_CERT_FILE' | 'REDIS_KEY_FILE'
type RedisSettings = Pick<Settings, Exclude<(typeof STATE_PLACE)[number], 'DATA_DIR'>>

const MEMBERS: Readonly<Record<FileName, keyof RedisCredentials>> = {
  REDIS_CA_FILE: 'ca',
  REDIS_CERT_FILE: 'cert',
  REDIS_KEY_FILE: 'key'
}
const FILES = Object.keys(MEMBERS) as readonly FileName[]

const fault = (place: FileName, message: string): ConfigError =>
  new ConfigError([{ place, message }])

const isUsable = (credentials: RedisCredentials): boolean => {
  try {
    createSecureContext(credentials)
    return true
  } catch {
    return false
  }
}

const PEM = /-----BEGIN CERTIFICATE-----/

/** Throws ConfigError for the first file that cannot be read or used. */
const check = (given: readonly FileName[], read: (name: FileName) => Buffer): RedisCredentials => {
  let all: RedisCredentials = {}
  for (const name of given) {
    let bytes: Buffer
    try {
      bytes = read(name)
    } catch (error) {
      throw fault(name, `the file ${whyUnread(error)}`)
    }
    // Node ignores a text that is no certificate of an authority, and would trust no authority at all.
    if (name !== 'REDIS_KEY_FILE' && !PEM.test(bytes.toString('latin1'))) {
      throw fault(name, 'holds no certificate (PEM)')
    }
    all = { ...all, [MEMBERS[name]]: bytes }
    if (!isUsable(all)) {
      const what =
        name === 'REDIS_KEY_FILE'
          ? 'is no private key (PEM) of REDIS_CERT_FILE'
          : 'holds no certificate (PEM)'
      throw fault(name, what)
    }
  }
  return all
}

/** Undefined without REDIS_URL. Throws ConfigError. */
export const readRedis = (
  settings: Partial<RedisSettings>,
  folder: string
): RedisPlace | undefined => {
  const { REDIS_URL: address, REDIS_KEY_PREFIX: prefix } = settings
  if (address === undefined || prefix === undefined) return undefined
  const given = FILES.filter((name) => settings[name] !== undefined)
  if (given.length === 0 || address.kind === 'socket') return { address, prefix }
  const read = (name: FileName): Buffer =>
    pemOfFile(readFileBytesSync(resolve(folder, settings[name] ?? '')))
  let known = check(given, read)
  const credentials = (): RedisCredentials => {
    try {
      known = check(given, read)
    } catch {
      // The files are just being renewed: until that is done, the former certificates count.
    }
    return known
  }
  return { address: { ...address, credentials }, prefix }
}
