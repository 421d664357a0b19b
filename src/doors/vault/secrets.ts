/**
 * A secret as the KV engine shows it. Rule: a text that is no JSON object is the field `value`; a version that is no
 * number, which clients could not decode, is shown as 1 and told beside it.
 */

import type { View } from '../../secrets/view.ts'
import { jsonOf, textOf, writtenOnce } from '../text.ts'

const NUMBER = /^[1-9]\d{0,14}$/

/** What clients decode into an integer. */
export const numberOf = (version: string): number => (NUMBER.test(version) ? Number(version) : 1)

const customOf = (version: string, isBinary: boolean): Record<string, string> | null => {
  const custom = {
    ...(isBinary && { encoding: 'base64' }),
    ...(!NUMBER.test(version) && { purser_version: version })
  }
  return Object.keys(custom).length === 0 ? null : custom
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

/** What is said of a version, without its value. */
export const versionMetadata = (version: string, at: number, isBinary = false): string =>
  JSON.stringify({
    created_time: timeOf(at),
    custom_metadata: customOf(version, isBinary),
    deletion_time: '',
    destroyed: false,
    version: numberOf(version)
  })

/** The fields of the secret, as JSON. */
const fieldsOf = (view: View): { readonly json: string; readonly isBinary: boolean } => {
  const { object, text, isBinary } = textOf(view)
  const json = object === undefined ? JSON.stringify({ value: text }) : jsonOf(object)
  return { json, isBinary }
}

/** `data` of an answer of KV 2. */
export const writeKv2 = writtenOnce((view) => {
  const { json, isBinary } = fieldsOf(view)
  return `{"data":${json},"metadata":${versionMetadata(view.version, view.fetchedAt, isBinary)}}`
})

/** `data` of an answer of KV 1. */
export const writeKv1 = writtenOnce((view) => fieldsOf(view).json)

/** `data` of `metadata/<path>`: nothing of the secret's text, and of its versions the one that is known. */
export const writeMetadata = (view: View): string => {
  const { version, fetchedAt } = view
  const number = numberOf(version)
  const time = timeOf(fetchedAt)
  return JSON.stringify({
    cas_required: false,
    created_time: time,
    current_metadata_version: 0,
    current_version: number,
    custom_metadata: customOf(version, textOf(view).isBinary),
    delete_version_after: '0s',
    max_versions: 0,
    metadata_cas_required: false,
    oldest_version: 0,
    updated_time: time,
    versions: { [number]: { created_time: time, deletion_time: '', destroyed: false } }
  })
}

/** The entries right below a folder: secrets, and folders with a slash at their end. */
export const keysBelow = (folder: string, paths: readonly string[]): readonly string[] => {
  const keys = new Set<string>()
  for (const path of paths) {
    const rest = path.slice(folder.length)
    const slash = rest.indexOf('/')
    keys.add(slash < 0 ? rest : rest.slice(0, slash + 1))
  }
  return [...keys].sort()
}
