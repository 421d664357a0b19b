/**
 * What a backup is: the files of DATA_DIR that matter, below their names there, and a manifest that lists them, with its
 * digest sealed beside it. Rule: who has the encryption keys, and nobody else, can tell a whole backup from another;
 * a form that this version does not know is refused by its number, before anything else of it is read.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { asJson, isObject } from '../core/json.ts'
import { checkShape } from '../core/shape.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { DATA_FILE } from '../state/lmdb.ts'
import { CommandFailure } from './failure.ts'

export const FORMAT = 1
export const MANIFEST = 'manifest.json'
export const SEAL = 'manifest.seal'
export const STATE_FILE = join('state', DATA_FILE)

const CONTEXT = ['backup manifest']

/** As the trail names its files. */
const FILE = '^(?:state/data\\.mdb|audit/[a-z0-9][a-z0-9.-]{0,99}\\.jsonl)$'

const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  /** Of Purser. */
  version: Type.String(),
  environment: Type.String(),
  /** When it was begun. ISO 8601. */
  time: Type.String(),
  /** The id of the encryption key that its seal stands under. */
  kid: Type.String(),
  files: Type.Array(
    Type.Object({
      name: Type.String({ pattern: FILE }),
      bytes: Type.Integer({ minimum: 0 }),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' })
    })
  )
})
export type Manifest = Static<typeof Manifest>

const digest = (text: Buffer): Buffer => createHash('sha256').update(text).digest()

/** Both files of a manifest. */
export const writeManifest = (manifest: Manifest, sealer: Sealer) => {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  return { text, seal: sealer.seal('store', digest(text), CONTEXT) }
}

const damaged = (): CommandFailure =>
  new CommandFailure('The backup is damaged, or no backup: its manifest cannot be understood.')

/** Throws a CommandFailure that says what is wrong. */
export const readManifest = (text: Buffer, seal: Buffer, sealer: Sealer): Manifest => {
  const found = asJson(text.toString())
  if (!isObject(found)) throw damaged()
  const { format, version, kid } = found
  if (format !== FORMAT) {
    const by = typeof version === 'string' && /^[\w.+-]{1,40}$/.test(version) ? ` ${version}` : ''
    throw new CommandFailure(
      `The backup has a form that this version does not know: restore it with the version of Purser that made it${by}, or a later one.`
    )
  }
  if (!checkShape(Manifest, found, [], () => {})) throw damaged()
  if (!sealer.isUnderKnownKey(seal)) {
    throw new CommandFailure(
      `ENCRYPTION_KEYS lacks the key ${kid}, with which the backup was made: put it before the active one.`
    )
  }
  if (!sealer.open('store', seal, CONTEXT)?.equals(digest(text))) {
    throw new CommandFailure('The backup was changed: its manifest is not what was sealed.')
  }
  return found as Manifest
}
