/** A provider of the kind under test, on a peer that behaves as told. */
import type { Test } from 'tap'
import type { Operations } from '../../src/secrets/guard.ts'
import { type Canary, createCanary, everythingIn } from '../support/canary.ts'
import { guarded } from '../support/guarded.ts'
import { createDeps, type RecordedDeps } from '../support/provider-deps.ts'
import { openWire, type Wire, type WireBehaviour } from '../support/wire.ts'
import type { WireFake } from './subject.ts'

export interface Opened {
  /** As its store asks it. */
  readonly provider: Operations
  readonly wire: Wire
  readonly deps: RecordedDeps
  /** Lets so much time pass, as far as the provider knows. */
  readonly later: (ms: number) => void
  /** Fails the test if the canary shows in the thing or in what was logged. */
  readonly hides: (thing: unknown) => void
}

export const openOn = async (
  t: Test,
  fake: WireFake,
  behaviour: WireBehaviour,
  canary: Canary = createCanary()
): Promise<Opened> => {
  const wire = await openWire(t, fake.dialect, behaviour)
  let laterMs = 0
  const deps = createDeps({}, { now: () => Date.now() + laterMs })
  const provider = guarded(await fake.connect(t, wire, deps), deps.now)
  t.teardown(() => provider.close())
  const hides = (thing: unknown): void => {
    t.strictSame(canary.findIn(everythingIn(thing)), [], 'nothing of the value in the fault')
    t.strictSame(canary.findIn(deps.lines.join('\n')), [], 'nothing of the value in the log')
  }
  const later = (ms: number): void => {
    laterMs += ms
  }
  return { provider, wire, deps, later, hides }
}
