/** `purser audit verify`: the trail of this folder's service, or a copy of one. */
import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { keptAnchors } from '../audit/anchors.ts'
import type { Anchor, KnownAnchor } from '../audit/chain-line.ts'
import type { Finding } from '../audit/findings.ts'
import { isOfOtherKeys, type Report, type VerifyOptions, verifyTrail } from '../audit/verify.ts'
import { readEnvFile, readSomeSettings, variablesOf } from '../config/env.ts'
import { whyUnread } from '../config/fault.ts'
import { pemOfFile } from '../core/file-text.ts'
import { parseAuditorPrivateKey } from '../crypto/auditor-keys.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { readFileBytes } from '../files/read.ts'
import { trailFolderOf } from './audit-folder.ts'
import { count } from './count.ts'
import { CommandFailure } from './failure.ts'
import { print, tell } from './io.ts'
import { hasState, PLACE } from './key-revoke.ts'
import { LaterState, type StateSettings, withState } from './state.ts'

export interface VerifyCommandOptions {
  readonly since?: string
  readonly head?: readonly Anchor[]
  readonly auditorKey?: string
  readonly json?: boolean
}

const readAuditor = async (file: string | undefined): Promise<KeyObject | undefined> => {
  if (file === undefined) return undefined
  try {
    return parseAuditorPrivateKey(pemOfFile(await readFileBytes(file)))
  } catch (error) {
    throw new CommandFailure(`The file of --auditor-key ${whyUnread(error)}.`)
  }
}

/** Of the state. Replicas that share it each have a trail of their own. */
const anchorsOf = async (settings: StateSettings): Promise<KnownAnchor[]> => {
  if (!hasState(settings)) return []
  const mayBeElsewhere = settings.REDIS_URL !== undefined
  try {
    const anchors = await withState(settings, ({ state }) => keptAnchors(state))
    return anchors.map((anchor) => ({ ...anchor, mayBeElsewhere }))
  } catch (error) {
    if (error instanceof LaterState) throw error
    tell('Note: the state cannot be read, so its anchors are not compared.')
    return []
  }
}

/** Of ENCRYPTION_KEYS. An auditor has none, and a file of settings beside a copy is none of its business. */
const keysAtHand = (): VerifyOptions['findKey'] => {
  const { all } = readEnvFile(process.env, process.cwd())
  if (variablesOf('ENCRYPTION_KEYS').every((name) => (all[name] ?? '') === '')) return undefined
  const settings = readSomeSettings(process.env, process.cwd(), ['ENCRYPTION_KEYS'])
  return createKeyring(settings.ENCRYPTION_KEYS).find
}

/** What is known of the trail besides what stands in it. */
const placeOf = async (
  folder: string | undefined
): Promise<Pick<VerifyOptions, 'folder' | 'anchors' | 'findKey' | 'isCopy'>> => {
  if (folder !== undefined) {
    return { folder: resolve(folder), anchors: [], findKey: keysAtHand(), isCopy: true }
  }
  const names = [...PLACE, 'ENCRYPTION_KEYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  return {
    folder: trailFolderOf(settings),
    anchors: await anchorsOf(settings),
    findKey: createKeyring(settings.ENCRYPTION_KEYS).find
  }
}

const placeIn = ({ file, line, instance, seq, to }: Finding): string => {
  const numbers = to === undefined ? `${seq}` : `${seq}-${to}`
  const chain = instance === undefined ? [] : [`${instance} ${numbers}`]
  const place = file === undefined ? [] : [line === undefined ? file : `${file}:${line}`]
  return [...place, ...chain].join('  ')
}

const linesOf = (report: Report): string[] => {
  const { findings, found, unfinished, purges, openIntents, open, unchained, withoutKey } = report
  const { lines, instances, segments, sealed, files, anchors, otherFormat } = report
  return [
    `${report.verdict}: ${count(lines, 'line')} of ${count(instances, 'instance')} in ${count(segments, 'segment')}, ${sealed} sealed; ${count(files, 'file')}, ${count(anchors, 'anchor')}`,
    ...findings.map((one) => `${one.verdict}  ${placeIn(one)}  ${one.detail}`),
    ...(found > findings.length ? [`and ${found - findings.length} more`] : []),
    ...unfinished.map(
      ({ file, instance, seq, to }) =>
        `unfinished  ${file}  ${instance} ${seq}-${to}  never acknowledged: being written, or cut off by a crash`
    ),
    ...purges.map(
      ({ first, last, instance, seq, time }) =>
        `purged  ${first}..${last}  by record ${seq} of ${instance} at ${time}`
    ),
    ...openIntents.map(
      ({ file, line, time, action, object }) =>
        `open  ${file}:${line}  ${time} ${action} ${object}  an intent without an outcome: look at the store`
    ),
    ...(open > openIntents.length ? [`and ${open - openIntents.length} more that are open`] : []),
    ...otherFormat.map(
      (file) =>
        `other format  ${file}  says that another version wrote it: verify it with that one, for which it may be right`
    ),
    ...(unchained > 0
      ? [`${count(unchained, 'line')} of an earlier version, without a chain`]
      : []),
    ...(withoutKey > 0
      ? [
          `${count(withoutKey, 'segment')} whose MACs need a key that is not here (ENCRYPTION_KEYS of its time, or --auditor-key)`
        ]
      : [])
  ]
}

export const asTrailFailure = (error: unknown): never => {
  throw new CommandFailure(`The trail ${whyUnread(error)}.`)
}

export const verify = async (
  given: string | undefined,
  { since, head = [], auditorKey, json = false }: VerifyCommandOptions
): Promise<void> => {
  const auditor = await readAuditor(auditorKey)
  const { anchors, ...place } = await placeOf(given)
  const { folder } = place
  const asked = { ...place, since, anchors: [...anchors, ...head], auditor }
  const report = await verifyTrail(asked).catch(asTrailFailure)
  if (report.files === 0 && report.found === 0) {
    const known = count(new Set(anchors.map(({ instance }) => instance)).size, 'instance')
    const although = `, although the state knows of ${known}: of other replicas, or of what stood here`
    const what = `There is no trail in ${folder}${anchors.length > 0 ? although : ''}.`
    throw new CommandFailure(what, 2)
  }
  await print(json ? JSON.stringify(report, null, 2) : linesOf(report).join('\n'))
  if (isOfOtherKeys(report)) {
    throw new CommandFailure(
      'The rest is what was written. What is of another key has to be verified with the encryption keys of its time.'
    )
  }
  if (report.verdict === 'broken') throw new CommandFailure('The trail is not what was written.')
  if (report.verdict === 'cannot tell') {
    throw new CommandFailure('What could be checked is right; the rest cannot be told.', 2)
  }
}
