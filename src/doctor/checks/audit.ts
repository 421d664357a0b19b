/** Checks of the audit trail: that it can be written, and is what was written. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { segmentFilesIn } from '../../audit/segments.ts'
import { isOfOtherKeys, type Report, verifyTrail } from '../../audit/verify.ts'
import { createKeyring } from '../../crypto/keyring.ts'
import { type Check, type Finding, fail, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { dataDirOf, existing } from './files.ts'

const { R_OK, W_OK, X_OK } = constants

const may = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

const folderOf = (on: Installation): string => join(dataDirOf(on), 'audit')

const ofFolder = (on: Installation): readonly Finding[] => {
  const folder = existing(folderOf(on))
  if (!statSync(folder).isDirectory()) {
    return [fail('a file stands where the folder of the audit trail is to be: move it away')]
  }
  return when(
    !may(folder, R_OK | W_OK | X_OK),
    fail(
      'the audit trail below DATA_DIR cannot be written by this user: without it nothing is disclosed: give it to the user of the service'
    )
  )
}

const DAY_MS = 86_400_000
/** What is read in the time of a check. */
const MOST_BYTES = 128 * 1024 * 1024

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

const bytesSince = async (folder: string, since: string): Promise<number> => {
  const files = (await segmentFilesIn(folder)).filter(({ day }) => day >= since)
  return files.reduce((sum, { path }) => sum + statSync(path).size, 0)
}

const ofReport = (report: Report): readonly Finding[] => {
  const { verdict, found, findings, withoutKey } = report
  if (isOfOtherKeys(report)) {
    return [
      fail(
        `the audit trail is in places (${found}) of another key than those of ENCRYPTION_KEYS, or of somebody without one: \`purser audit verify\` with the former keys tells which`
      )
    ]
  }
  if (verdict === 'broken') {
    const words = [...new Set(findings.map((one) => one.verdict))].join(', ')
    return [
      fail(
        `the audit trail is not what was written, in ${found} places (${words}): \`purser audit verify\` says where`
      )
    ]
  }
  return when(
    withoutKey > 0,
    untold(
      `whether ${withoutKey} segments of the audit trail are as they were written: run \`purser audit verify --auditor-key\` where that key is`
    )
  )
}

/** Yesterday and today: who wants to know more runs the command, which may take as long as it likes. */
const ofTrail = async (on: Installation): Promise<readonly Finding[]> => {
  const { settings, peers, now } = on
  const folder = folderOf(on)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  const since = dayOf(now - DAY_MS)
  if ((await bytesSince(folder, since)) > MOST_BYTES) {
    return [
      untold(
        'whether the audit trail is what was written: it is too long for this: run `purser audit verify`'
      )
    ]
  }
  const kept = await peers.kept().catch(() => undefined)
  // With Redis, other replicas' places are known too, and their files are elsewhere.
  const mayBeElsewhere = settings.REDIS_URL !== undefined
  const report = await verifyTrail({
    folder,
    since,
    anchors: (kept?.anchors ?? []).map((anchor) => ({ ...anchor, mayBeElsewhere })),
    findKey: settings.ENCRYPTION_KEYS && createKeyring(settings.ENCRYPTION_KEYS).find,
    auditor: undefined
  })
  return ofReport(report)
}

export const auditChecks: readonly Check[] = [
  {
    id: 'audit-required',
    title: 'no secret leaves unrecorded',
    places: ['AUDIT_REQUIRED', 'AUDIT_FSYNC'],
    topics: ['audit']
  },
  { id: 'audit-folder', title: 'the audit trail can be written', run: ofFolder },
  {
    id: 'audit-auditor',
    title: 'the audit trail is sealed to an auditor',
    places: ['AUDIT_AUDITOR_KEY_FILE'],
    run: ({ settings }) =>
      when(
        settings.AUDIT_AUDITOR_KEY_FILE === undefined,
        warn(
          'whoever takes ENCRYPTION_KEYS could write the audit trail anew: make a pair with `purser audit key new` and set AUDIT_AUDITOR_KEY_FILE'
        )
      )
  },
  {
    id: 'audit-verified',
    title: 'the audit trail of yesterday and today is what was written',
    idle: (on) => (existsSync(folderOf(on)) ? undefined : 'there is no trail yet'),
    run: ofTrail
  }
]
