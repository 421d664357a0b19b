/**
 * Writing to Vault's KV engines. Rule: a secret's text goes out as it came, digit by digit, and only once: no write is
 * repeated whose outcome is not known.
 * https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#create-update-secret
 */
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { hasLossyNumber, readJson } from '../../core/json-text.ts'
import { Sensitive } from '../../core/secret.ts'
import type { CallOptions, WriteOptions } from '../provider.ts'
import {
  CAS_REQUIRED,
  isJsonObject,
  isVersion,
  parseMetadata,
  parseWritten,
  UNVERSIONED
} from './answer.ts'
import type { VaultApi } from './api.ts'
import { dataPath, metadataPath, type Place } from './mounts.ts'

/** Losing a race needs another writer to win it; the caller's deadline is the other bound. */
const MAX_ATTEMPTS = 10

type Written = Promise<{ readonly version: string }>

/** Of a text that is no object. */
export const LONE_FIELD = 'value'

const asFields = (text: Sensitive<string>): Sensitive<string> =>
  isJsonObject(text.reveal())
    ? text
    : new Sensitive(JSON.stringify({ [LONE_FIELD]: text.reveal() }))

const isFault = (error: unknown, reason: FaultReason): error is ProviderFault =>
  error instanceof ProviderFault && error.reason === reason

/** The newest version's number, also if it is deleted; 0 for a secret that never was. */
const newestVersion = async (
  api: VaultApi,
  place: Place,
  options: CallOptions
): Promise<number> => {
  try {
    return parseMetadata(await api.get(metadataPath(place), options))
  } catch (error) {
    if (isFault(error, 'not_found')) return 0
    throw error
  }
}

/** With `cas`, only on top of that version; the server compares and sets in one step. */
const put = async (
  api: VaultApi,
  place: Place,
  fields: Sensitive<string>,
  options: CallOptions,
  cas?: number
): Written => {
  const condition = cas === undefined ? '' : `,"options":{"cas":${cas}}`
  const body = new Sensitive(`{"data":${fields.reveal()}${condition}}`)
  return { version: parseWritten(await api.post(dataPath(place), body, options)) }
}

/**
 * For an engine (or a secret) that takes no write which does not say what it follows: it follows whatever is newest.
 */
const putOnNewest = async (
  api: VaultApi,
  place: Place,
  fields: Sensitive<string>,
  options: CallOptions
): Written => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const newest = await newestVersion(api, place, options)
    try {
      return await put(api, place, fields, options, newest)
    } catch (error) {
      if (!isFault(error, 'conflict')) throw error
    }
  }
  throw new ProviderFault('unavailable', { code: 'contended' })
}

const writeKv2 = async (
  api: VaultApi,
  place: Place,
  fields: Sensitive<string>,
  { ifVersion, ifAbsent, signal }: WriteOptions
): Written => {
  // KV 2 keeps numbers as doubles (KV 1 does not), and would answer with others than it was given.
  const object = readJson(fields.reveal())
  if (object !== undefined && hasLossyNumber(object)) {
    throw new ProviderFault('invalid_request', { code: 'digits' })
  }
  if (ifVersion !== undefined) {
    // What is no version cannot be the newest; and as `cas`, 0 would mean "if there is none".
    if (!isVersion(ifVersion)) throw new ProviderFault('conflict')
    return put(api, place, fields, { signal }, Number(ifVersion))
  }
  // A secret whose newest version is deleted is one that is there.
  if (ifAbsent === true) return put(api, place, fields, { signal }, 0)
  try {
    return await put(api, place, fields, { signal })
  } catch (error) {
    if (isFault(error, 'misconfigured') && error.code === CAS_REQUIRED) {
      return putOnNewest(api, place, fields, { signal })
    }
    throw error
  }
}

/** KV 1 replaces the secret as a whole, cannot hold one without a field, and has no version to compare. */
const writeKv1 = async (
  api: VaultApi,
  place: Place,
  fields: Sensitive<string>,
  { ifVersion, ifAbsent, signal }: WriteOptions
): Written => {
  // Not a conflict, after which a writer would read and try again, for ever.
  if (ifVersion !== undefined || ifAbsent === true) {
    throw new ProviderFault('invalid_request', { code: UNVERSIONED })
  }
  if (/^\s*\{\s*\}\s*$/.test(fields.reveal())) {
    throw new ProviderFault('invalid_request', { code: 'empty' })
  }
  await api.post(dataPath(place), fields, { signal })
  return { version: UNVERSIONED }
}

/**
 * Resolves with the new version. A text that is no JSON object is stored as the field `value`, since Vault stores
 * objects; a read without a field gives it back. Throws ProviderFault; `invalid_request` for what KV 1 cannot do.
 */
export const writeSecret = (
  api: VaultApi,
  place: Place,
  text: Sensitive<string>,
  options: WriteOptions
): Written => (place.mount.version === 1 ? writeKv1 : writeKv2)(api, place, asFields(text), options)
