/** `purser audit purge`: what the service does by itself, now or for a look. */
import { leftoversOf } from '../app/leftovers.ts'
import { dropAnchors } from '../audit/anchors.ts'
import { lookAtPurge, type Over } from '../audit/purge-look.ts'
import { leftoversOnRecord } from '../audit/purger.ts'
import { type PurgePlan, purge } from '../audit/retention.ts'
import { readSomeSettings } from '../config/env.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { removeLeftovers } from '../state/leftovers.ts'
import type { State } from '../state/state.ts'
import { trailFolderOf } from './audit-folder.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'
import { PLACE } from './key-revoke.ts'
import { type OnRecord, onRecord, TRAIL } from './on-record.ts'
import { withState } from './state.ts'

export interface PurgeCommandOptions {
  readonly dryRun?: boolean
}

const textOf = (over: readonly Over[]): string =>
  over.map(({ leftovers: { name }, count }) => `, ${count} entries of ${name}`).join('')

const removeAll = async (
  state: State,
  over: readonly Over[],
  now: number,
  { done }: OnRecord
): Promise<void> => {
  for (const { leftovers, count } of over) {
    const { reason, object } = leftoversOnRecord(leftovers, count)
    await done('state.purge', reason, object)
    await removeLeftovers(state, leftovers, now)
  }
}

const uncheckedIn = ({ withoutKey, lostKeys }: PurgePlan): string[] => {
  if (withoutKey === 0) return []
  const lost = lostKeys.length === 0 ? '' : `; ENCRYPTION_KEYS lacks ${lostKeys.join(', ')}`
  return [`MACs of ${withoutKey} segments cannot be checked: their keys are not at hand${lost}`]
}

export const purgeOld = async ({ dryRun = false }: PurgeCommandOptions): Promise<void> => {
  const names = [...TRAIL, ...PLACE, 'AUDIT_RETENTION_DAYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  const folder = trailFolderOf(settings)
  const days = settings.AUDIT_RETENTION_DAYS
  const now = Date.now()
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const sealer = createSealer(keyring)
  await withState(settings, async ({ state }) => {
    const { plan, over, refusal } = await lookAtPurge({
      folder,
      now,
      days,
      findKey: keyring.find,
      state,
      leftovers: leftoversOf(() => sealer),
      isDryRun: dryRun
    })
    if (refusal !== undefined) throw new CommandFailure(`Nothing is purged: ${refusal}.`)
    const { files, bytes, lines } = plan
    const what = `${files.length} files, ${lines} lines, ${bytes} bytes older than ${days} days${textOf(over)}`
    if (dryRun || (files.length === 0 && over.length === 0)) {
      const shown = [`would go: ${what}`, ...uncheckedIn(plan), ...files.map(({ name }) => name)]
      return await print(shown.join('\n'))
    }
    // It goes only if that is on record, whatever AUDIT_REQUIRED says.
    await onRecord('audit purge', { ...settings, AUDIT_REQUIRED: true }, state, async (record) => {
      const gone = await purge(folder, plan, ({ reason, object }) =>
        record.done('audit.purge', reason, object)
      )
      await dropAnchors(state, gone, plan.end)
      await removeAll(state, over, now, record)
    })
    await print([`gone: ${what}`, ...uncheckedIn(plan)].join('\n'))
  })
}
