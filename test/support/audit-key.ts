/** First keys of the trail's chains, from one encryption key and no auditor. */
import type { BeginKey } from '../../src/audit/chain.ts'
import { beginKey } from '../../src/crypto/audit-key.ts'
import { createKeyring } from '../../src/crypto/keyring.ts'

export const AUDIT_ENCRYPTION_KEY = '0123456789abcdefghijklmnopqrstuv'

const { active } = createKeyring([AUDIT_ENCRYPTION_KEY])

export const beginAuditKey: BeginKey = (instance) => beginKey(active, undefined, instance)
