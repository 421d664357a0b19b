/**
 * Headers in which our own interface and the doors are given API keys. Rule: at a door none of the others' stands beside its
 * own: a proxy and we must never look at different ones.
 */
import { createKeyFinder, type KeyFinder } from '../http/credentials.ts'

export const KEY_HEADERS = [
  'authorization',
  'x-api-key',
  'x-vault-token',
  'x-amz-security-token',
  'x-aws-parameters-secrets-token',
  'dapr-api-token'
] as const
type KeyHeader = (typeof KEY_HEADERS)[number]

/** How the key stands in a header. */
type Read = (value: string) => string | undefined

/** By itself. */
export const bare: Read = (value) => value || undefined
const none: Read = () => undefined

/** `own`: those of the door. */
export const doorKeyFinder = (own: Readonly<Partial<Record<KeyHeader, Read>>>): KeyFinder =>
  createKeyFinder(new Map(KEY_HEADERS.map((name) => [name, own[name] ?? none])))
