/** `purser audit purge`: what the service does by itself, now or for a look. */
import { dropAnchors } from '../audit/anchors.ts'
import { planPurge, purge } from '../audit/retention.ts'
import { readSomeSettings } from '../config/env.ts'
import { trailFolderOf } from './audit-folder.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'
import { PLACE } from './key-revoke.ts'
import { onRecord, TRAIL } from './on-record.ts'
import { withState } from './state.ts'

export interface PurgeCommandOptions {
  readonly dryRun?: boolean
}

export const purgeOld = async ({ dryRun = false }: PurgeCommandOptions): Promise<void> => {
  const names = [...TRAIL, ...PLACE, 'AUDIT_RETENTION_DAYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  const folder = trailFolderOf(settings)
  const days = settings.AUDIT_RETENTION_DAYS
  const plan = await planPurge({ folder, now: Date.now(), days })
  const { files, bytes, lines, refusal } = plan
  if (refusal !== undefined) throw new CommandFailure(`Nothing is purged: ${refusal}.`)
  const what = `${files.length} files, ${lines} lines, ${bytes} bytes older than ${days} days`
  if (dryRun || files.length === 0) {
    await print([`would go: ${what}`, ...files.map(({ name }) => name)].join('\n'))
    return
  }
  await withState(settings, ({ state }) =>
    // It goes only if that is on record, whatever AUDIT_REQUIRED says.
    onRecord('audit purge', { ...settings, AUDIT_REQUIRED: true }, state, async ({ done }) => {
      const gone = await purge(folder, plan, ({ reason, object }) =>
        done('audit.purge', reason, object)
      )
      await dropAnchors(state, gone, plan.end)
    })
  )
  await print(`gone: ${what}`)
}
