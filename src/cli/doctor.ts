/**
 * `purser doctor`: the checks before going live. Rule: it runs without the service and beside it, changes nothing, and
 * ends with 1 if a check fails.
 */
import { CHECKS } from '../doctor/checks.ts'
import { examine } from '../doctor/examine.ts'
import { EARNEST, readInstallation } from '../doctor/installation.ts'
import { createPeers } from '../doctor/peers.ts'
import { linesOf, reportOf, summaryOf } from '../doctor/report.ts'
import { withDeadline } from '../state/deadline.ts'
import { STARTED_WITH } from './environment.ts'
import { print, tell } from './io.ts'
import { thisMachine } from './machine.ts'
import { shareEnviron } from './share-environ.ts'

const CHECK_WITHIN_MS = 15_000
const CLOSE_WITHIN_MS = 2_000

export interface DoctorOptions {
  readonly json?: true
}

/** What a peer that hangs keeps open must not keep this process. */
const endSoon = (): void => {
  setTimeout(() => process.exit(), CLOSE_WITHIN_MS).unref()
}

const putForSdks = (folder: string): void => {
  try {
    shareEnviron(folder)
  } catch {
    // What is wrong with the file is among what is told.
  }
}

export const doctor = async ({ json }: DoctorOptions): Promise<void> => {
  const folder = process.cwd()
  const machine = thisMachine()
  const now = Date.now
  const installation = readInstallation(STARTED_WITH, folder, {
    machine: { ...machine, variables: { ...machine.variables } },
    now: now(),
    peersOf: (config) => createPeers({ config, uid: machine.uid, now })
  })
  putForSdks(folder)
  const { settings, peers } = installation
  const examined = await examine(installation, CHECKS, CHECK_WITHIN_MS)
  await withDeadline(CLOSE_WITHIN_MS, peers.close, () => new Error('late')).catch(() => {})
  const report = reportOf(settings.ENVIRONMENT ?? EARNEST, examined)
  await print(json ? JSON.stringify(report, null, 2) : linesOf(report).join('\n'))
  if (!json) tell(summaryOf(report))
  if (report.status === 'fail') process.exitCode = 1
  endSoon()
}
