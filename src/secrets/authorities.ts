/**
 * The files with the authorities that a store is verified by: renewed while the service runs, as cert-manager does. Rule: a
 * connection knows which contents it was made with, and a file that is at fault replaces nothing.
 */
import { createHash } from 'node:crypto'
import { pemOfFile } from '../core/file-text.ts'
import { isObject } from '../core/json.ts'
import { readFileBytesSync } from '../files/read.ts'

/** Every `caCertFile` among the settings of a store, as paths that the service can open. */
export const authorityFilesIn = (settings: unknown): readonly string[] =>
  isObject(settings)
    ? Object.entries(settings).flatMap(([member, inner]) =>
        member === 'caCertFile' && typeof inner === 'string' ? [inner] : authorityFilesIn(inner)
      )
    : []

export const readAuthorities = (file: string): Buffer | undefined => {
  try {
    const pem = pemOfFile(readFileBytesSync(file))
    return pem.includes('-----BEGIN CERTIFICATE-----') ? pem : undefined
  } catch {
    return undefined
  }
}

/** Of the contents of all of them; undefined where there are none, or one is at fault. */
export const digestOfAuthorities = (settings: unknown): string | undefined => {
  const contents = authorityFilesIn(settings).map(readAuthorities)
  if (contents.length === 0) return undefined
  const hash = createHash('sha256')
  for (const content of contents) {
    if (content === undefined) return undefined
    hash.update(content).update('\0')
  }
  return hash.digest('base64url')
}
