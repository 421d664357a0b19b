/** What is kept, read without a change: under which keys it stands, and which API keys are in use. */
import { keptAnchors } from '../audit/anchors.ts'
import type { Anchor } from '../audit/chain-line.ts'
import type { Config } from '../config/config.ts'
import type { ConfigFault } from '../config/fault.ts'
import { lookForKeys } from '../config/kept-keys.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { countSealed } from '../integrations/sealed-count.ts'
import { createSealedEnds } from '../integrations/sealed-ends.ts'
import { reportSealed, type SealedReport } from '../integrations/sealed-report.ts'
import { reportEncryptionKeys } from '../keys/encryption-key-report.ts'
import { isKeyRevoked } from '../keys/revocations.ts'
import { createKeyUsage, type KeyUse } from '../keys/usage.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'
import { NotKnown } from './not-known.ts'

export interface Kept {
  readonly encryptionKeys: readonly SealedReport[]
  /** What ENCRYPTION_KEYS lacks. */
  readonly faults: readonly ConfigFault[]
  /** Where the audit trail stood. */
  readonly anchors: readonly Anchor[]
  /** Keys that are in use and would be accepted. */
  readonly uses: readonly KeyUse[]
}

const DAY_MS = 86_400_000
/** A key that was not used for so long is taken for one that nobody uses. */
const QUIET_MS = 30 * DAY_MS
const COUNT_WITHIN_MS = 8_000

/** Rejects with NotKnown where there is too much of it. */
export const lookAtKept = async (
  state: State,
  { settings }: Config,
  now: () => number
): Promise<Kept> => {
  const keyring = createKeyring(settings.ENCRYPTION_KEYS)
  const sealer = createSealer(keyring)
  const usage = createKeyUsage({ state, sealer: () => sealer, now, onFailure: () => {} })
  const { prefix } = STATE_SPACES.revoked
  const revoked = new Set<string>()
  for await (const { key } of state.list(prefix)) revoked.add(key.slice(prefix.length))
  const isRevoked = (name: string): boolean => revoked.has(name)
  const uses: KeyUse[] = []
  for await (const use of usage.list()) {
    const isOver = use.expiresAt !== undefined && Date.parse(use.expiresAt) <= now()
    const isQuiet = now() - Date.parse(use.lastUsed) > QUIET_MS
    if (!isOver && !isQuiet && !isKeyRevoked(isRevoked, use)) uses.push(use)
  }
  const found = await lookForKeys(state, keyring)
  const { byKey, isWhole } = await countSealed(state, performance.now() + COUNT_WITHIN_MS)
  if (!found.isWhole || !isWhole) throw new NotKnown('more is kept than can be looked at in time')
  const reports = await reportEncryptionKeys({
    keyring,
    uses: usage.list(),
    isRevoked,
    now: now(),
    quietMs: QUIET_MS
  })
  const ends = await createSealedEnds({ state, now }).all()
  const { encryptionKeys } = reportSealed(reports, byKey, ends)
  return { encryptionKeys, faults: found.faults, anchors: await keptAnchors(state), uses }
}
