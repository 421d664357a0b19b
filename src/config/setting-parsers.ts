/**
 * How the texts of settings are read. Rule: a parser throws a sentence about the rule, to be read after the setting's
 * name, and never shows the value.
 */
import { isIP } from 'node:net'
import validVersion from 'semver/functions/valid.js'
import { SINK_NAMES, type SinkChoice } from '../audit/sinks.ts'
import { coverNearlyAll, parseNetwork } from '../core/network.ts'
import { isScope } from '../core/scope.ts'
import { ENCRYPTION_KEY_LENGTH } from '../crypto/keyring.ts'
import { weaknessOf } from './strength.ts'

export const text = (value: string): string => value

export const list = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

export const host = (value: string): string => {
  if (isIP(value) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value)) {
    throw new Error('must be an address or the name of a host')
  }
  return value
}

export const flag = (value: string): boolean => {
  if (value !== 'true' && value !== 'false') throw new Error('must be true or false')
  return value === 'true'
}

export const whole =
  (min: number, max: number) =>
  (value: string): number => {
    const number = Number(value)
    if (!/^\d{1,10}$/.test(value) || number < min || number > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`)
    }
    return number
  }

/** 0 is what the setting says it is, mostly never. */
export const zeroOr =
  (min: number, max: number) =>
  (value: string): number => {
    if (value === '0') return 0
    try {
      return whole(min, max)(value)
    } catch {
      throw new Error(`must be 0 or a whole number from ${min} to ${max}`)
    }
  }

export const oneOf =
  <const T extends readonly string[]>(choices: T) =>
  (value: string): T[number] => {
    if (!choices.includes(value)) throw new Error(`must be one of ${choices.join(', ')}`)
    return value
  }

/** `file!,stdout`: an exclamation mark requires. */
export const sinks = (value: string): SinkChoice[] => {
  const choices = list(value).map((item) => ({
    name: item.replace(/!$/, ''),
    isRequired: item.endsWith('!')
  }))
  const names = choices.map(({ name }) => name)
  const isKnown = (one: (typeof choices)[number]): one is SinkChoice =>
    SINK_NAMES.some((name) => name === one.name)
  if (choices.length === 0 || !choices.every(isKnown)) {
    throw new Error(
      'must list file, stdout or redis, comma-separated, with ! behind each required one'
    )
  }
  if (new Set(names).size !== names.length) throw new Error('names a sink twice')
  if (names.includes('redis') && !names.includes('file')) {
    throw new Error('has redis without file: Redis keeps the newest records, and files all of them')
  }
  return choices
}

export const version = (value: string): string => {
  if (validVersion(value) !== value) throw new Error('must be a semantic version such as 8.3.0')
  return value
}

export const scope = (value: string): string => {
  if (!isScope(value)) throw new Error('must be a scope such as aura-services')
  return value
}

export const proxies = (value: string): string[] => {
  const addresses = list(value)
  const networks = addresses.flatMap((item) => parseNetwork(item) ?? [])
  if (networks.length < addresses.length)
    throw new Error('must list IP addresses or networks of proxies, comma-separated')
  if (coverNearlyAll(networks)) throw new Error('must not trust every address, or nearly every one')
  return addresses
}

export const origins = (value: string): string[] => {
  const items = list(value)
  const isOrigin = (item: string): boolean =>
    item === '*' || (URL.canParse(item) && new URL(item).origin === item)
  if (!items.every(isOrigin))
    throw new Error('must list exact origins such as https://www.example.com')
  return items
}

const secrets =
  (check: (secret: string) => string | undefined) =>
  (value: string): string[] => {
    const items = value.split(',').map((item) => item.trim())
    for (const item of items) {
      const fault = check(item) ?? weaknessOf(item)
      if (fault !== undefined)
        throw new Error(items.length > 1 ? `one of its secrets ${fault}` : fault)
    }
    if (new Set(items).size !== items.length) throw new Error('holds the same secret twice')
    return items
  }

export const encryptionKeys = secrets((key) =>
  key.length === ENCRYPTION_KEY_LENGTH
    ? undefined
    : `must have exactly ${ENCRYPTION_KEY_LENGTH} characters`
)

export const longSecrets = secrets((secret) =>
  secret.length >= 32 ? undefined : 'must have at least 32 characters'
)
