/**
 * What a start needs besides a valid configuration: a folder for what is kept, certificates that can be used, files
 * that can be read.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pemOfFile } from '../core/file-text.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { readFileBytesSync, UnfitFile } from '../files/read.ts'
import { type ConfigFault, whyUnread } from './fault.ts'
import { faultsOfTls } from './server-tls.ts'
import type { Placed } from './stores.ts'

const whyNoAuthority = (path: string): string | undefined => {
  try {
    const pem = pemOfFile(readFileBytesSync(path))
    return pem.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'holds no certificate in PEM'
  } catch (error) {
    return whyUnread(error)
  }
}

const faultsOfFolder = (dataDir: string): ConfigFault[] => {
  try {
    const message = 'is a file where a folder has to be'
    return statSync(dataDir).isDirectory() ? [] : [{ place: 'DATA_DIR', message }]
  } catch {
    // Where there is nothing yet, the start makes it, or says why it cannot.
    return []
  }
}

/** A file that is not there yet may be there by the time it is read. */
const whyUnfit = (path: string): string | undefined => {
  try {
    readFileBytesSync(path)
    return undefined
  } catch (error) {
    return error instanceof UnfitFile ? error.message : undefined
  }
}

const isAuthority = (subject: string): boolean => /(^|\.)caCertFile$/.test(subject)

export const faultsOfStart = (
  tls: ServerTls | undefined,
  placed: readonly Placed[],
  folder: string,
  dataDir: string | undefined
): ConfigFault[] => [
  ...(dataDir === undefined ? [] : faultsOfFolder(resolve(folder, dataDir))),
  ...(tls === undefined ? [] : faultsOfTls(tls)),
  ...placed.flatMap(({ place, subject, where: { file } }) => {
    if (file === undefined) return []
    const why = (isAuthority(subject) ? whyNoAuthority : whyUnfit)(resolve(folder, file))
    return why === undefined ? [] : [{ place, message: `${subject}: the file ${why}` }]
  })
]
