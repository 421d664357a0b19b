/**
 * Bots and bot providers, as VoiceAI Connect writes them. Rule: a bot is taken as it is written, since all of it but
 * its credentials is VoiceAI Connect's; no key stands in two members, a reference has the form of its member, and a
 * fault repeats no value, and no key that is not a plain word.
 */

import { isObject } from '../core/json.ts'
import { isSecretName, parseReference, type ReferenceBook } from '../core/reference.ts'
import { isPlainKey, type ResourceFault, resourceFault } from '../core/resource-fault.ts'
import { Sensitive } from '../core/secret.ts'
import { catalog } from '../kinds/catalog.ts'
import { createReferenceBook } from '../kinds/references.ts'

export type BotCredential =
  | { readonly plain: Sensitive<unknown> }
  /** `member` is where it stands, as it is written. */
  | { readonly ref: string; readonly member: string }

export type Credentials = ReadonlyMap<string, BotCredential>

/** A bot or a bot provider: of VoiceAI's members, only those that Purser has a use for. */
export interface Configuration {
  readonly name: string
  readonly displayName?: string
  /** Of a provider. */
  readonly type?: string
  /** Of a bot: the name of its provider. */
  readonly provider?: string
  readonly credentials: Credentials
}

export type ConfigurationKind = 'bot' | 'provider'

const CREDENTIALS_MAX = 500

/** How a reference begins in each member; undefined: any reference, in any of its forms, or a name. */
const MEMBERS: ReadonlyMap<string, RegExp | undefined> = new Map([
  ...catalog.flatMap(({ botMember }) =>
    botMember === undefined ? [] : [[botMember.name, botMember.form] as const]
  ),
  ['credentialsSecrets', undefined]
])
const PLAIN = 'credentials'

const NOWHERE = createReferenceBook([], new Map())

const pathOfMember = (member: string, key: string): string[] =>
  isPlainKey(key) ? [member, key] : [member]

/** What is wrong with a reference whichever stores are configured. */
const referenceFault = (
  text: unknown,
  form: RegExp | undefined,
  path: readonly string[]
): ResourceFault | undefined => {
  if (typeof text !== 'string') return resourceFault('invalid_reference', path, 'type')
  if (form?.test(text) === false) return resourceFault('invalid_reference', path, 'form')
  try {
    parseReference(text, NOWHERE)
    return undefined
  } catch (error) {
    return resourceFault('invalid_reference', path, 'reference', (error as Error).message)
  }
}

export interface ParsedCredentials {
  readonly credentials: Credentials
  readonly faults: readonly ResourceFault[]
  /** The object without them. */
  readonly rest: Readonly<Record<string, unknown>>
}

/** Every credential of the object, wherever in it it stands. What cannot be used is a fault and left out. */
export const parseCredentials = (object: Readonly<Record<string, unknown>>): ParsedCredentials => {
  const credentials = new Map<string, BotCredential>()
  const faults: ResourceFault[] = []
  const rest: [string, unknown][] = []
  const places = new Map<string, string[][]>()
  for (const [written, entries] of Object.entries(object)) {
    // One of VoiceAI's own examples has a blank before the name.
    const member = written.trim()
    if (!/^credential/i.test(member)) {
      rest.push([written, entries])
      continue
    }
    if (member !== PLAIN && !MEMBERS.has(member)) {
      faults.push(resourceFault('invalid_request', isPlainKey(member) ? [written] : [], 'member'))
      continue
    }
    // A member of YAML under which everything is commented out is no member.
    if (entries === null) continue
    if (!isObject(entries)) {
      faults.push(resourceFault('invalid_request', [written], 'type'))
      continue
    }
    for (const [key, value] of Object.entries(entries)) {
      const place = pathOfMember(written, key)
      places.set(key, [...(places.get(key) ?? []), place])
      if (member === PLAIN) {
        if (value === null) faults.push(resourceFault('invalid_request', place, 'type'))
        else credentials.set(key, { plain: new Sensitive(value) })
      } else {
        const fault = referenceFault(value, MEMBERS.get(member), place)
        if (fault !== undefined) faults.push(fault)
        else credentials.set(key, { ref: value as string, member: written })
      }
    }
  }
  for (const twice of places.values()) {
    if (twice.length < 2) continue
    for (const place of twice)
      faults.push(resourceFault('conflicting_credentials', place, 'conflict'))
  }
  if (credentials.size > CREDENTIALS_MAX)
    faults.push(resourceFault('invalid_request', [], 'maximum'))
  return { credentials, faults, rest: Object.fromEntries(rest) }
}

/** The bot or provider, which has a name, with every fault that shows without looking at other resources. */
export const parseConfiguration = (
  kind: ConfigurationKind,
  value: unknown
): { readonly configuration: Configuration; readonly faults: readonly ResourceFault[] } => {
  const object = isObject(value) ? value : {}
  const { credentials, faults } = parseCredentials(object)
  const { name, displayName, type, provider } = object
  const wrong = [...faults]
  if (!isObject(value)) wrong.push(resourceFault('invalid_request', [], 'type'))
  else if (typeof name !== 'string' || !isSecretName(name)) {
    wrong.push(resourceFault('invalid_request', ['name'], 'name'))
  }
  const namesProvider = kind === 'bot' && provider !== undefined && provider !== null
  if (namesProvider && typeof provider !== 'string') {
    wrong.push(resourceFault('invalid_request', ['provider'], 'type'))
  }
  return {
    configuration: {
      name: String(name),
      ...(typeof displayName === 'string' && { displayName }),
      ...(kind === 'provider' && typeof type === 'string' && { type }),
      ...(namesProvider && { provider: String(provider) }),
      credentials
    },
    faults: wrong
  }
}

/** References of a bot or provider that lead nowhere, or are wrong because of how their store is configured. */
export const strayReferences = (credentials: Credentials, book: ReferenceBook): ResourceFault[] =>
  [...credentials].flatMap(([key, credential]) => {
    if ('plain' in credential) return []
    const path = pathOfMember(credential.member, key)
    try {
      return parseReference(credential.ref, book) === undefined
        ? [resourceFault('invalid_reference', path, 'unknown_store')]
        : []
    } catch (error) {
      return [resourceFault('invalid_reference', path, 'reference', (error as Error).message)]
    }
  })
