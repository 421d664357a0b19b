/**
 * A slot as sealed bytes. Rule: its times and its end stand inside, and so does the state of the invalidations when its
 * fetch began. An envelope is ignored if it was put back after its end, or if the secret was invalidated since that
 * fetch.
 */
import { type Static, Type } from 'typebox'
import { type FaultReason, ProviderFault } from '../core/fault.ts'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import { type SecretRecord, Sensitive, type Tags } from '../core/secret.ts'
import { asUtf8 } from '../core/utf8.ts'
import { isOfLaterLayout, type Sealer } from '../crypto/sealer.ts'
import type { Slot } from './slot.ts'

/**
 * How what is cached of a secret is written. `read` is given anything that was sealed under one of our keys, and gives
 * undefined if it is nothing of this codec.
 */
export interface Codec<T> {
  readonly write: (record: T) => unknown
  readonly read: (written: unknown) => T | undefined
}

/** As the keys of the shared state had it when the fetch began. */
export interface Invalidations {
  readonly mark: string
  readonly epoch: string
}

const Content = Type.Object({
  endsAt: Type.Number(),
  mark: Type.String(),
  epoch: Type.String(),
  entry: Type.Optional(
    Type.Object({ record: Type.Unknown(), fetchedAt: Type.Number(), expiresAt: Type.Number() })
  ),
  refusedAt: Type.Optional(Type.Number()),
  failure: Type.Optional(
    Type.Object({
      reason: Type.String(),
      code: Type.Optional(Type.String()),
      status: Type.Optional(Type.Number()),
      retryAfterSeconds: Type.Optional(Type.Number()),
      until: Type.Number()
    })
  )
})
type Content = Static<typeof Content>
const content = fitting(Content)

/** `endsAt`: from when on nobody may use anything in it, in milliseconds since the epoch. */
export const sealSlot = <T>(
  sealer: Sealer,
  codec: Codec<T>,
  context: readonly string[],
  { entry, failure, refusedAt }: Slot<T>,
  { mark, epoch }: Invalidations,
  endsAt: number
): Buffer => {
  const written: Content = {
    endsAt,
    mark,
    epoch,
    ...(entry && { entry: { ...entry, record: codec.write(entry.record) } }),
    ...(refusedAt !== undefined && { refusedAt }),
    ...(failure && {
      failure: {
        reason: failure.fault.reason,
        ...(failure.fault.code !== undefined && { code: failure.fault.code }),
        ...(failure.fault.status !== undefined && { status: failure.fault.status }),
        ...(failure.fault.retryAfterSeconds !== undefined && {
          retryAfterSeconds: failure.fault.retryAfterSeconds
        }),
        until: failure.until
      }
    })
  }
  const plaintext = Buffer.from(JSON.stringify(written))
  const envelope = sealer.seal('cache', plaintext, context)
  plaintext.fill(0)
  return envelope
}

export type NoSlot = 'outdated' | 'unfamiliar' | 'refused'

const parse = (plaintext: Buffer): unknown => {
  try {
    return asJson(asUtf8(plaintext) ?? '')
  } finally {
    plaintext.fill(0)
  }
}

/**
 * `outdated`: it was made before an invalidation, which happens. `unfamiliar`: it is of another format, as a later version
 * writes it: of a later layout, or authentic and not understood. `refused`: it is damaged, stood elsewhere, is under a
 * foreign key, or was put back after its end: nothing that Purser does.
 */
export const openSlot = <T>(
  sealer: Sealer,
  codec: Codec<T>,
  context: readonly string[],
  envelope: Buffer,
  { mark, epoch }: Invalidations,
  now: number
): Slot<T> | NoSlot => {
  const plaintext = sealer.open('cache', envelope, context)
  if (plaintext === undefined) return isOfLaterLayout(envelope) ? 'unfamiliar' : 'refused'
  const written = parse(plaintext)
  if (!content(written)) return 'unfamiliar'
  if (written.endsAt <= now) return 'refused'
  if (written.mark !== mark || written.epoch !== epoch) return 'outdated'
  const { entry, failure, refusedAt } = written
  const record = entry && codec.read(entry.record)
  if (entry !== undefined && record === undefined) return 'unfamiliar'
  return {
    ...(entry !== undefined &&
      record !== undefined && {
        entry: { record, fetchedAt: entry.fetchedAt, expiresAt: entry.expiresAt }
      }),
    ...(refusedAt !== undefined && { refusedAt }),
    ...(failure !== undefined && {
      failure: {
        fault: new ProviderFault(failure.reason as FaultReason, failure),
        until: failure.until
      }
    })
  }
}

const Pairs = Type.Array(Type.Tuple([Type.String(), Type.String()]))
const pairs = fitting(Pairs)
const Written = Type.Object({
  text: Type.String(),
  version: Type.String(),
  encoding: Type.Optional(Type.Literal('base64')),
  // Only the names of these fields, since there is one encoding. A replica of an older version ignores them.
  encoded: Type.Optional(Type.Array(Type.String())),
  tags: Type.Optional(Pairs)
})
const writtenRecord = fitting(Written)

export const tagsCodec: Codec<Tags> = {
  write: (tags) => [...tags],
  read: (written) => (pairs(written) ? new Map(written) : undefined)
}

export const recordCodec: Codec<SecretRecord> = {
  write: ({ text, version, encoding, encodings, tags }) => ({
    text: text.reveal(),
    version,
    ...(encoding !== undefined && { encoding }),
    ...(encodings !== undefined && { encoded: [...encodings.keys()] }),
    ...(tags !== undefined && { tags: tagsCodec.write(tags) })
  }),
  read: (written) => {
    if (!writtenRecord(written)) return undefined
    const { text, version, encoding, encoded, tags } = written
    return {
      text: new Sensitive(text),
      version,
      ...(encoding !== undefined && { encoding }),
      ...(encoded && { encodings: new Map(encoded.map((name) => [name, 'base64'])) }),
      ...(tags !== undefined && { tags: new Map(tags) })
    }
  }
}
