/**
 * What every provider owes the broker, whatever its store: run against a real peer, against a server that fails in
 * every way we know, and behind an outgoing proxy. Rule: each failure is a `ProviderFault` of one exact reason, comes before the deadline, and holds
 * nothing of what the peer said.
 */
import { proxySuite } from './proxy-suite.ts'
import { realSuite } from './real-suite.ts'
import type { Subject } from './subject.ts'
import { wirePowersSuite } from './wire-powers-suite.ts'
import { wireSuite } from './wire-suite.ts'

export type { Powers, RealPeer, RealStore, Subject, WireFake } from './subject.ts'

export const providerSuite = (kind: string, subject: Subject): void => {
  if (subject.real !== undefined) realSuite(kind, subject, subject.real)
  if (subject.wire === undefined) return
  wireSuite(kind, subject, subject.wire)
  wirePowersSuite(kind, subject, subject.wire)
  proxySuite(kind, subject, subject.wire)
}
