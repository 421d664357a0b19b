/**
 * `purser restore`: a backup into a DATA_DIR that holds nothing yet. Rule: everything is copied beside its place and
 * checked there; only then it is put in place, at one moment, and what is there already is never touched. A restore that was cut
 * off is ended by the next one (restore-place.ts).
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { keptAnchors } from '../audit/anchors.ts'
import { verifyTrail } from '../audit/verify.ts'
import { readSomeSettings } from '../config/env.ts'
import { whyUnread } from '../config/fault.ts'
import { lookForKeys } from '../config/kept-keys.ts'
import { createKeyring, type Keyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { copyFile } from '../files/copy.ts'
import { makeFolderSync } from '../files/folder.ts'
import { readFileBytes } from '../files/read.ts'
import { holdDirectory } from '../state/data-lock.ts'
import { createEmbeddedState } from '../state/embedded.ts'
import { newStagingIn, stagingsIn } from '../state/restoring.ts'
import { asTrailFailure } from './audit-verify.ts'
import { MANIFEST, type Manifest, readManifest, SEAL, STATE_FILE } from './backup-form.ts'
import { CommandFailure } from './failure.ts'
import { print, tell } from './io.ts'
import { PLACE } from './key-revoke.ts'
import { onRecord, TRAIL } from './on-record.ts'
import { endCutOff, isCutOff, PARTS, putInPlace } from './restore-place.ts'
import { requireFormat, withState } from './state.ts'

const settingsHere = () => {
  const settings = readSomeSettings(process.env, process.cwd(), [...PLACE, ...TRAIL])
  if (settings.REDIS_URL !== undefined) {
    throw new CommandFailure(
      'REDIS_URL is set, and a backup is of a state in DATA_DIR: restore without it, then `purser store migrate --to redis`.'
    )
  }
  return settings
}

const requireNothingThere = (dataDir: string): void => {
  const there = PARTS.filter((part) => existsSync(join(dataDir, part)))
  if (there.length === 0) return
  const found = there.map((part) => join(dataDir, part)).join(' and ')
  throw new CommandFailure(`${found} is there already: nothing is overwritten. Move it away first.`)
}

const readPart = (folder: string, name: string): Promise<Buffer> =>
  readFileBytes(join(folder, name)).catch((error: unknown) => {
    throw new CommandFailure(`${join(folder, name)} ${whyUnread(error)}: this is no whole backup.`)
  })

const copyInto = async (staging: string, folder: string, { files }: Manifest): Promise<void> => {
  for (const part of PARTS) mkdirSync(join(staging, part), 0o700)
  for (const { name, bytes, sha256 } of files) {
    const copied = await copyFile(join(folder, name), join(staging, name)).catch(
      (error: unknown) => {
        throw new CommandFailure(`${name} of the backup ${whyUnread(error)}.`)
      }
    )
    if (copied.bytes !== bytes || copied.sha256 !== sha256) {
      throw new CommandFailure(
        `The backup was changed or is damaged: ${name} is not what was copied.`
      )
    }
  }
}

const checkState = async (staging: string, keyring: Keyring) => {
  const state = createEmbeddedState(staging)
  try {
    await requireFormat(state)
    let entries = 0
    for await (const _entry of state.list('')) entries++
    const { faults } = await lookForKeys(state, keyring)
    return { entries, faults, anchors: await keptAnchors(state) }
  } finally {
    await state.close()
  }
}

/** What was wrong when the backup was made is no reason to leave it where it is. */
const checkAll = async (staging: string, keyring: Keyring): Promise<string> => {
  const { entries, faults, anchors } = await checkState(staging, keyring)
  for (const { place, message } of faults) tell(`Note: ${place} ${message}`)
  const folder = join(staging, 'audit')
  const options = { folder, anchors, findKey: keyring.find, auditor: undefined }
  const { verdict, lines, files } = await verifyTrail(options).catch(asTrailFailure)
  if (verdict === 'broken') {
    tell(
      'Note: the trail is not what was written, and was not when the backup was made either: `purser audit verify` says where.'
    )
  }
  return `${entries} entries, and ${lines} lines of the trail in ${files} files (${verdict})`
}

/** In the copy itself, so that no restored state stands without it. Resolves once it is there. */
const recordIn = async (
  staging: string,
  settings: ReturnType<typeof settingsHere>,
  { files }: Manifest
): Promise<void> => {
  const sha256 = files.find(({ name }) => name === STATE_FILE)?.sha256 ?? ''
  const there = { ...settings, DATA_DIR: staging }
  await withState(there, ({ state }) =>
    onRecord('restore', there, state, ({ done }) => done('state.restore', `sha256:${sha256}`))
  )
}

interface Wanted {
  readonly settings: ReturnType<typeof settingsHere>
  readonly keyring: Keyring
  readonly manifest: Manifest
  /** The manifest as it stands in the backup. */
  readonly text: Buffer
}

/** Of restores that ended before they had decided. */
const removeAll = (stagings: readonly string[]): void => {
  for (const staging of stagings) rmSync(staging, { recursive: true, force: true })
}

const restoreAnew = async (
  folder: string,
  dataDir: string,
  { settings, keyring, manifest, text }: Wanted
): Promise<string> => {
  const former = stagingsIn(dataDir)
  const staging = newStagingIn(dataDir)
  try {
    // First: while one of them is there, nobody begins a state in this folder.
    mkdirSync(staging, 0o700)
    removeAll(former)
    await copyInto(staging, folder, manifest)
    const facts = await checkAll(staging, keyring)
    await recordIn(staging, settings, manifest)
    await writeFile(join(staging, MANIFEST), text, { mode: 0o600, flush: true })
    requireNothingThere(dataDir)
    await putInPlace(staging, dataDir)
    return facts
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

const tellWhatFollows = (time: string): void =>
  tell(
    `What happened after ${time} is not in it: revoke again the keys that were revoked since, and put secrets again that were changed.`
  )

export const restore = async (from: string): Promise<void> => {
  const settings = settingsHere()
  const [folder, dataDir] = [resolve(from), resolve(settings.DATA_DIR)]
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const [text, seal] = await Promise.all([readPart(folder, MANIFEST), readPart(folder, SEAL)])
  const manifest = readManifest(text, seal, createSealer(keyring))
  const { environment, time } = manifest
  if (environment !== settings.ENVIRONMENT) {
    throw new CommandFailure(
      `The backup is of environment ${environment}, and ENVIRONMENT is ${settings.ENVIRONMENT}.`
    )
  }
  if (!isCutOff(dataDir)) requireNothingThere(dataDir)
  makeFolderSync(dataDir)
  const lock = await holdDirectory(dataDir).catch((error: Error) => {
    throw new CommandFailure(`${error.message}.`)
  })
  try {
    if (isCutOff(dataDir)) {
      await endCutOff(dataDir, text)
      await print(`${dataDir}: the restore that was cut off is done`)
    } else {
      const wanted = { settings, keyring, manifest, text }
      await print(`${dataDir}: ${await restoreAnew(folder, dataDir, wanted)}`)
    }
  } finally {
    lock.release()
  }
  tellWhatFollows(time)
}
