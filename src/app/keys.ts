/** API keys: who is let in, who may issue and revoke, and how many replicas there are to agree on it. */
import { createAuthenticator } from '../keys/authenticator.ts'
import { createKeyCare } from '../keys/care.ts'
import { createIssuing } from '../keys/issuing.ts'
import { createLineage } from '../keys/lineage.ts'
import { createRevocations } from '../keys/revocations.ts'
import { createSharedRevocations } from '../keys/shared-revocations.ts'
import { createKeyUsage } from '../keys/usage.ts'
import { createViaFloor } from '../keys/via-floor.ts'
import { createReplicaCount } from '../state/replica-count.ts'
import type { Ground } from './ground.ts'

export type Keys = ReturnType<typeof createKeys>

const createRevocationsOn = ({ parts, state, shared, keyring, log }: Ground) => {
  if (shared === undefined) {
    return {
      ...createRevocations(state),
      asked: Promise.resolve(),
      isWhole: () => true,
      pending: () => 0,
      blindMs: () => 0
    }
  }
  return parts.add(createSharedRevocations({ state, shared, keyring, log }))
}

export const createKeys = (ground: Ground) => {
  const { parts, settings, state, shared, live, keyring, sealer, log, now } = ground
  const { ENVIRONMENT: environment, PLATFORM_VERSION: platformVersion } = settings
  const revocations = createRevocationsOn(ground)
  const onFailure = () => log('warn', 'the last use of keys cannot be written')
  const usage = parts.add(createKeyUsage({ state, sealer, now, onFailure }))
  const authenticator = createAuthenticator({
    keyring,
    environment,
    platformVersion,
    revocations,
    now,
    noteUse: usage.note
  })
  const replicas = parts.add(createReplicaCount({ shared, environment, keyring, now }))
  const floor = createViaFloor({ state, replicas: replicas.current, now })
  // Learnt once replicas are counted, and before the first key is used; if that fails, the first issue of a key tries
  // again.
  parts.add({ start: () => floor.learn().catch(() => {}), close: () => {} })
  const issuing = parts.add(
    createIssuing({
      keyring,
      usage,
      revocations,
      lineage: createLineage(state),
      floor,
      rules: () => ({
        platformVersion,
        maxDays: settings.API_KEY_MAX_DAYS,
        adminScope: settings.ADMIN_SCOPE,
        delegations: live().config.delegations
      }),
      now
    })
  )
  const { recorder } = ground
  const { authenticate } = authenticator
  return {
    revocations,
    usage,
    authenticator,
    authenticate,
    care: createKeyCare({
      recorder,
      issuing,
      revocations,
      authenticate,
      isTrust: (name) => live().config.trusts.some((trust) => trust.name === name),
      now
    }),
    replicas: replicas.current,
    issuing
  }
}
