/**
 * Signals that reach this process go to the program. Rule: none ends us while the program is there; on a terminal those
 * that the keyboard sends have reached the program already, which is in the same group.
 */
import { isatty } from 'node:tty'

export const PASSED_ON: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGALRM'
]

/** What a terminal sends to all of its foreground. */
const BY_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH'])

/** `hear` is told of each signal, and whether the program is to be sent it. Gives how to stop. */
export const onSignals = (
  hear: (signal: NodeJS.Signals, isToBeSent: boolean) => void,
  isTerminal: boolean = isatty(0)
): (() => void) => {
  const listeners = PASSED_ON.map((signal) => {
    const listener = (): void => hear(signal, !(isTerminal && BY_KEYBOARD.has(signal)))
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => {
    for (const stop of listeners) stop()
  }
}
