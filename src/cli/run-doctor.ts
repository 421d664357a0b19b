/**
 * The checks of `purser doctor` for the service that runs here: the command itself, as a process of its own, since one
 * process opens the state only once and checks would keep its callers waiting. Rule: it ends when it is told to.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Report } from '../core/doctor-report.ts'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import { STARTED_WITH } from './environment.ts'

const PROGRAM = fileURLToPath(new URL('./purser.js', import.meta.url))
const LARGEST_REPORT = 4 * 1024 * 1024

const isReport = fitting(Report)

/** Resolves with the report, whatever it says; rejects where there is none. */
export const runDoctor =
  (folder: string) =>
  (signal: AbortSignal): Promise<Report> =>
    new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        // It tells of options of Node too.
        [...process.execArgv, PROGRAM, 'doctor', '--json'],
        {
          cwd: folder,
          env: { ...STARTED_WITH },
          signal,
          killSignal: 'SIGKILL',
          maxBuffer: LARGEST_REPORT
        },
        // Its exit code is 1 where a check fails.
        (_error, stdout) => {
          const report = asJson(stdout)
          if (isReport(report)) resolve(report)
          else reject(new Error('purser doctor gave no report'))
        }
      )
    })
