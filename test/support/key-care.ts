/** The use cases of keys where no key is issued or revoked, with a record of the test's own. */
import { createRecorder } from '../../src/audit/recorder.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createKeyCare, type KeyCare } from '../../src/keys/care.ts'

const unasked = (): never => {
  throw new Error('no key is issued or revoked here')
}

export const careOf = (
  authenticate: () => Principal,
  record: (event: AuditEvent) => Promise<void>
): KeyCare =>
  createKeyCare({
    recorder: createRecorder({ environment: 'dev', record, log: () => {} }),
    issuing: { issue: unasked, revokeWithIssued: unasked, revokeOfTrust: unasked },
    revocations: { revoke: unasked },
    authenticate,
    isTrust: () => false,
    now: Date.now
  })
