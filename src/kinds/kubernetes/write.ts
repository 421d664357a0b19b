/**
 * Writing a Kubernetes Secret: its fields become those of the text, all of them and no other. Rule: a write is a patch
 * upon the resourceVersion that was read, and names nothing but the fields that change; so nobody else's change is
 * lost, and labels, annotations, owners, type and whatever else a Secret has stay as they are.
 */
import { ProviderFault } from '../../core/fault.ts'
import { printJson, readJson } from '../../core/json-text.ts'
import type { Sensitive } from '../../core/secret.ts'
import type { WriteCondition } from '../provider.ts'
import { decodeValue, type Reasons, type Secret } from './secret.ts'

/** Each attempt follows upon somebody else's change; the deadline of the write is the other bound. */
const MAX_ATTEMPTS = 10

/** The rule for keys of `data`, and its largest size in bytes (MaxSecretSize). */
const KEY = /^(?!\.\.)(?!\.$)[A-Za-z0-9._-]{1,253}$/
const LARGEST_BYTES = 1_048_576

/**
 * What they mean for a write: another one came first; or the API server takes no such fields, of this type or at all.
 */
export const REASONS_OF_WRITE: Reasons = new Map([
  ['Conflict', 'conflict'],
  ['Invalid', 'invalid_request'],
  ['RequestEntityTooLarge', 'invalid_request']
])

type Fields = ReadonlyMap<string, string>

const refuse = (code: string): ProviderFault => new ProviderFault('invalid_request', { code })

/**
 * A JSON object's fields: texts as they are, anything else as JSON with the digits that it has. Throws ProviderFault
 * `invalid_request`.
 */
const fieldsOf = (text: string): Fields => {
  const fields = new Map<string, string>()
  let bytes = 0
  const members = readJson(text)?.members
  if (members === undefined) throw refuse('no_object')
  for (const [key, node] of members) {
    if (!KEY.test(key)) throw refuse('key')
    const field = node.text.startsWith('"') ? JSON.parse(node.text) : printJson(node)
    bytes += Buffer.byteLength(field)
    fields.set(key, field)
  }
  if (bytes > LARGEST_BYTES) throw refuse('too_large')
  return fields
}

/**
 * A JSON merge patch (RFC 7396), in which null takes a field away. A field whose text is what a read gives is left
 * alone, and with it the bytes that are no text and were read as base64.
 */
const patchOf = ({ metadata, data = {} }: Secret, fields: Fields): string => {
  const now = new Map(Object.entries(data))
  const gone = [...now.keys()].filter((key) => !fields.has(key)).map((key) => [key, null] as const)
  const changed = [...fields].flatMap(([key, field]) => {
    const held = now.get(key)
    if (held !== undefined && decodeValue(held) === field) return []
    return [[key, Buffer.from(field).toString('base64')] as const]
  })
  const { resourceVersion } = metadata
  return JSON.stringify({
    metadata: { resourceVersion },
    data: Object.fromEntries([...gone, ...changed])
  })
}

/** How one Secret is read and patched; both throw ProviderFault. */
export interface SecretApi {
  readonly get: () => Promise<Secret>
  readonly patch: (body: string) => Promise<Secret>
}

/** Resolves with the new resourceVersion, which is the old one if nothing changed. Throws ProviderFault. */
export const writeSecret = async (
  { get, patch }: SecretApi,
  text: Sensitive<string>,
  { ifVersion, ifAbsent }: WriteCondition
): Promise<{ readonly version: string }> => {
  const fields = fieldsOf(text.reveal())
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const secret = await get()
    const isOther = ifVersion !== undefined && secret.metadata.resourceVersion !== ifVersion
    if (isOther || ifAbsent === true) throw new ProviderFault('conflict')
    if (secret.immutable === true) throw new ProviderFault('conflict', { code: 'immutable' })
    try {
      return { version: (await patch(patchOf(secret, fields))).metadata.resourceVersion }
    } catch (error) {
      const isOvertaken = error instanceof ProviderFault && error.reason === 'conflict'
      if (!isOvertaken || ifVersion !== undefined) throw error
    }
  }
  throw new ProviderFault('unavailable', { code: 'contended' })
}
