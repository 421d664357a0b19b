/**
 * Loaded into a service before all else (`--import`): its clock can be set without the machine's. Rule: time that is
 * measured (`performance.now`, timers) goes on as it does where somebody sets the clock.
 *
 * At SIGUSR2 the clock is as many milliseconds ahead (or behind, below 0) as the file `clock` of its folder says.
 */
import { readFileSync } from 'node:fs'

const Real = globalThis.Date
let aheadMs = 0

const now = (): number => Real.now() + aheadMs

globalThis.Date = new Proxy(Real, {
  construct: (target, args, created) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, created),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name))
})

process.on('SIGUSR2', () => {
  aheadMs = Number(readFileSync('clock', 'utf8'))
})
