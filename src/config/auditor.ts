/** The auditor to whom the first keys of the trail are sealed. */
import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { pemOfFile } from '../core/file-text.ts'
import { parseAuditorPublicKey } from '../crypto/auditor-keys.ts'
import { readFileBytesSync } from '../files/read.ts'
import { ConfigError, whyUnread } from './fault.ts'
import type { Settings } from './settings.ts'

/** The public key of AUDIT_AUDITOR_KEY_FILE, if it is set. Throws ConfigError. */
export const readAuditor = (
  { AUDIT_AUDITOR_KEY_FILE: file }: Partial<Pick<Settings, 'AUDIT_AUDITOR_KEY_FILE'>>,
  folder: string
): KeyObject | undefined => {
  if (file === undefined) return undefined
  try {
    return parseAuditorPublicKey(pemOfFile(readFileBytesSync(resolve(folder, file))))
  } catch (error) {
    const message = `the file ${whyUnread(error)}`
    throw new ConfigError([{ place: 'AUDIT_AUDITOR_KEY_FILE', message }])
  }
}
