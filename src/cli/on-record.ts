/**
 * What an operator does on the command line, in the trail of this folder's service: each command is an instance of its
 * own. Rule: as for the service, without a record nothing is shown and nothing changed, unless AUDIT_REQUIRED=false.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createAnchors } from '../audit/anchors.ts'
import { createRecorder, type Recorder, type Who } from '../audit/recorder.ts'
import { createTrail } from '../audit/trail.ts'
import { readAuditor } from '../config/auditor.ts'
import type { Settings } from '../config/settings.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import type { Reference } from '../core/reference.ts'
import { beginKey } from '../crypto/audit-key.ts'
import { createKeyring } from '../crypto/keyring.ts'
import type { State } from '../state/state.ts'
import { tell } from './io.ts'

/** The settings that say where the trail is, and how it is written. */
export const TRAIL = [
  'DATA_DIR',
  'ENCRYPTION_KEYS',
  'AUDIT_REQUIRED',
  'AUDIT_FSYNC',
  'AUDIT_AUDITOR_KEY_FILE'
] as const

export type TrailSettings = Pick<Settings, (typeof TRAIL)[number] | 'ENVIRONMENT'>

export interface OnRecord {
  /** The result of the work, once that is on record; its failure is on record too. */
  readonly of: <T>(
    action: AuditEvent['action'],
    reference: Reference | undefined,
    work: () => Promise<T>,
    facts?: (result: T) => Parameters<Recorder['allowed']>[3]
  ) => Promise<T>
  /** Before something is changed. */
  readonly intent: (action: AuditEvent['action'], reference: Reference | undefined) => Promise<void>
  /** For what was done already. */
  readonly done: (action: AuditEvent['action'], reason: string, object?: string) => Promise<void>
}

const NOWHERE: OnRecord = {
  of: (_action, _reference, work) => work(),
  intent: async () => {},
  done: async () => {}
}

const createOnRecord = (recorder: Recorder, who: Who): OnRecord => ({
  of: async (action, reference, work, facts = () => ({})) => {
    let result: Awaited<ReturnType<typeof work>>
    try {
      result = await work()
    } catch (error) {
      await recorder.failed(who, action, reference, error)
      // With what the operator may know, which is more than a caller may.
      throw error
    }
    await recorder.allowed(who, action, reference, facts(result))
    return result
  },
  intent: (action, reference) => recorder.allowed(who, action, reference, { reason: 'intent' }),
  done: (action, reason, object) => recorder.allowed(who, action, undefined, { reason, object })
})

const openTrail = (settings: TrailSettings, folder: string, state: State | undefined) => {
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const auditor = readAuditor(settings, folder)
  // Its anchors go to the state alone: the log of a command is nobody's.
  const anchors = state && createAnchors({ state, log: () => {}, now: Date.now })
  const trail = createTrail({
    directory: resolve(folder, settings.DATA_DIR),
    writer: 'cli',
    // Of other commands.
    isShared: true,
    beginKey: (instance) => beginKey(keyring.active, auditor, instance),
    ...(anchors && { onAnchor: anchors.note }),
    now: Date.now,
    fsync: settings.AUDIT_FSYNC
  })
  return {
    append: trail.append,
    close: async () => {
      await trail.close()
      await anchors?.close()
    }
  }
}

/** `command` as it is typed, without what follows it. */
export const onRecord = async <T>(
  command: string,
  settings: TrailSettings,
  state: State | undefined,
  work: (record: OnRecord) => Promise<T>
): Promise<T> => {
  const trail = openTrail(settings, process.cwd(), state)
  const record = settings.AUDIT_REQUIRED
    ? trail.append
    : (event: AuditEvent): Promise<void> =>
        trail.append(event).catch(() => tell('Note: this could not be recorded.'))
  const recorder = createRecorder({
    environment: settings.ENVIRONMENT,
    record,
    log: () => {}
  })
  const who = { client: 'operator', route: `cli ${command}`, requestId: randomUUID() }
  try {
    return await work(createOnRecord(recorder, who))
  } finally {
    await trail.close()
  }
}

/** The same for what needs no service: where there is no DATA_DIR there is no trail, and none is begun. */
export const onRecordIfAny = async <T>(
  command: string,
  settings: TrailSettings,
  state: State | undefined,
  work: (record: OnRecord) => Promise<T>
): Promise<T> => {
  if (existsSync(resolve(settings.DATA_DIR))) return await onRecord(command, settings, state, work)
  tell('Note: there is no DATA_DIR here, so this is on no record.')
  return await work(NOWHERE)
}
