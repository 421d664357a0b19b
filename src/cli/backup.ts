/**
 * `purser backup`: the state and the trail of this folder's service into a new folder, while it runs. Rule: the state is
 * copied before the trail, so that every anchor in the one is in the other; a backup that did not come about whole is
 * taken away again.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { trailFilesIn } from '../audit/segments.ts'
import { readSomeSettings } from '../config/env.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { copyFile, digestOf, syncFolder } from '../files/copy.ts'
import { PURSER_VERSION } from '../kinds/shared/user-agent.ts'
import type { State } from '../state/state.ts'
import { trailFolderOf } from './audit-folder.ts'
import { FORMAT, MANIFEST, type Manifest, SEAL, STATE_FILE, writeManifest } from './backup-form.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'
import { hasState, PLACE } from './key-revoke.ts'
import { onRecord, TRAIL } from './on-record.ts'
import { withState } from './state.ts'

export interface BackupOptions {
  readonly json?: true
}

type Files = Manifest['files']

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, 0o700)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new CommandFailure(`${folder} is there already: a backup needs a folder of its own.`)
    throw new CommandFailure(`${folder} cannot be made (${code}).`)
  }
}

const copyState = async (state: State, folder: string): Promise<Files> => {
  if (state.copyTo === undefined) throw new Error('the state is not a file here')
  mkdirSync(join(folder, 'state'), 0o700)
  await state.copyTo(join(folder, 'state'))
  await syncFolder(join(folder, 'state'))
  return [{ name: STATE_FILE, ...(await digestOf(join(folder, STATE_FILE))) }]
}

/** Oldest first: a file that retention takes away meanwhile is vouched for by a record that is copied after it. */
const copyTrail = async (trail: string, folder: string): Promise<Files> => {
  const target = join(folder, 'audit')
  mkdirSync(target, 0o700)
  const files: Files = []
  for (const { name, path } of await trailFilesIn(trail)) {
    try {
      files.push({ name: `audit/${name}`, ...(await copyFile(path, join(target, name))) })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  await syncFolder(target)
  return files
}

const writeWhole = async (path: string, content: Buffer): Promise<void> =>
  await writeFile(path, content, { flag: 'wx', mode: 0o600, flush: true })

const asFailure = (error: unknown): unknown => {
  const { code } = error as NodeJS.ErrnoException
  return error instanceof Error && typeof code === 'string' && /^E[A-Z]+$/.test(code)
    ? new CommandFailure(`The backup cannot be written (${code}).`)
    : error
}

const size = (files: Files): number => files.reduce((total, { bytes }) => total + bytes, 0)

const settingsHere = () => {
  const settings = readSomeSettings(process.env, process.cwd(), [...PLACE, ...TRAIL])
  if (settings.REDIS_URL !== undefined) {
    throw new CommandFailure(
      'The state is in Redis (REDIS_URL): back up Redis itself, or copy it by `purser store migrate --to embedded` into an own DATA_DIR and back up that.'
    )
  }
  if (!hasState(settings)) {
    throw new CommandFailure('There is no state in DATA_DIR: run this where the service runs.')
  }
  return settings
}

export const backup = async (to: string, { json }: BackupOptions): Promise<void> => {
  const settings = settingsHere()
  const folder = resolve(to)
  makeFolder(folder)
  try {
    const manifest = await withState(settings, async ({ state }) => {
      const time = new Date().toISOString()
      const keyring = createKeyring(settings.ENCRYPTION_KEYS)
      const ofState = await copyState(state, folder)
      const [{ sha256 = '' } = {}] = ofState
      await onRecord('backup', settings, state, ({ done }) =>
        done('state.backup', `sha256:${sha256}`)
      )
      const files = [...ofState, ...(await copyTrail(trailFolderOf(settings), folder))]
      const { ENVIRONMENT: environment } = settings
      const { kid } = keyring.active
      const made = { format: FORMAT, version: PURSER_VERSION, environment, time, kid, files }
      const { text, seal } = writeManifest({ ...made, format: FORMAT }, createSealer(keyring))
      await writeWhole(join(folder, SEAL), seal)
      await writeWhole(join(folder, MANIFEST), text)
      await syncFolder(folder)
      return made
    })
    const { files, kid } = manifest
    const told = `${folder}: the state and ${files.length - 1} files of the trail, ${size(files)} bytes, for who has the encryption key ${kid}`
    await print(json ? JSON.stringify({ folder, ...manifest }, null, 2) : told)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw asFailure(error)
  }
}
