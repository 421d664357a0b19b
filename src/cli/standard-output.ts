/** Standard output as the place of the log. Rule: neither the service nor its end waits for a reader that has stopped. */
import { createLogOutput, type LogOutput } from '../telemetry/log-output.ts'

/** At the end of the process, for a reader that is only slow. */
const LAST_MS = 500

/** To be called once in a process. */
export const logOnStandardOutput = (): LogOutput => {
  // Node makes a pipe or a socket non-blocking as it opens the stream, and leaves a file or a terminal as it is.
  void process.stdout
  const output = createLogOutput()
  process.once('exit', () => output.flushFor(LAST_MS))
  return output
}
