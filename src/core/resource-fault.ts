/**
 * What is wrong with a resource that was configured: a bot, a provider, a channel. Rule: a fault has its place and a
 * sentence, and repeats no value, and no key that is not a plain word.
 */
import { type ProblemCode, ProblemError } from './problem.ts'
import type { Path } from './shape.ts'

const RULES = {
  conflict: 'stands in two members of credentials',
  form: 'does not have the form of a reference that belongs into this member',
  reference: 'is not a reference that can be read',
  unknown_store: 'leads to no configured store',
  unknown_provider: 'names a provider that is not configured',
  unknown_bot: 'names a bot that is not configured',
  type: 'does not have the type that belongs here',
  name: 'must be letters, digits, dots, underscores and hyphens',
  member: 'looks like a member for credentials, but is none of them',
  maximum: 'has more credentials than the 500 that are allowed',
  endpoint: 'must be an endpoint of Direct Line',
  twice: 'names the same secret twice',
  origin: 'must be an exact origin such as https://www.example.com',
  origins: 'lacks trustedOrigins: the pages that may host the chat, or an empty list',
  unsupported: 'is nothing that the scheme of kind webchat knows'
} as const

export interface ResourceFault {
  readonly code: Extract<
    ProblemCode,
    'conflicting_credentials' | 'invalid_reference' | 'invalid_request'
  >
  /** Members from the resource inwards. */
  readonly path: Path
  /** One of ours, or a keyword of JSON schema. */
  readonly rule: string
  /** What is wrong, to be read after the path. */
  readonly message: string
}

export const resourceFault = (
  code: ResourceFault['code'],
  path: Path,
  rule: keyof typeof RULES,
  message: string = RULES[rule]
): ResourceFault => ({ code, path, rule, message })

/** A key is somebody else's: it is repeated only where it cannot be a value that went astray. */
export const isPlainKey = (key: string): boolean => /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(key)

const GRAVEST = ['conflicting_credentials', 'invalid_reference', 'invalid_request'] as const

const pointerOf = ({ path }: ResourceFault): string =>
  ['', 'body', ...path.map((part) => String(part).trim())].join('/')

/** Throws all faults of a resource that came as a request's body as one problem; its detail is a sentence about the gravest. */
export const refuseFaults = (faults: readonly ResourceFault[]): void => {
  const code = GRAVEST.find((grave) => faults.some((fault) => fault.code === grave))
  if (code === undefined) return
  const told = faults.map((fault) => ({ ...fault, pointer: pointerOf(fault) }))
  const first = told.find((fault) => fault.code === code)
  throw new ProblemError(code, {
    ...(first !== undefined && {
      detail: `${first.pointer}: ${first.message.replace(/\.$/, '')}.`
    }),
    errors: told.map(({ pointer, rule }) => ({ pointer, rule }))
  })
}
