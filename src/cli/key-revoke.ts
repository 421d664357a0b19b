/**
 * `purser key revoke`: by the id, alone or with all that it issued, or those of a trust. Rule: it is written where the service reads it, or
 * the command fails.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readConfig } from '../config/config.ts'
import { readSomeSettings } from '../config/env.ts'
import { ConfigError } from '../config/fault.ts'
import { STATE_PLACE } from '../config/redis.ts'
import type { Settings } from '../config/settings.ts'
import { sideBySide } from '../core/side-by-side.ts'
import { createLineage } from '../keys/lineage.ts'
import { issuedBy, putRevocation, REVOKED_AT_ONCE } from '../keys/revocations.ts'
import { announceRevocation } from '../keys/shared-revocations.ts'
import { originOf } from '../keys/trust.ts'
import { CLOCKS_DIFFER_MS } from '../state/leftovers.ts'
import type { OpenedState } from '../state/open-state.ts'
import { hasRestore } from '../state/restoring.ts'
import { CommandFailure } from './failure.ts'
import { print, tell } from './io.ts'
import { onRecordIfAny, TRAIL, type TrailSettings } from './on-record.ts'
import { announceToServices, withState } from './state.ts'

export const PLACE = STATE_PLACE

export type PlaceSettings = Pick<Settings, (typeof PLACE)[number]>

/** Also where a restore was cut off: whoever opens the state is told what to do. */
export const hasState = (place: PlaceSettings): boolean => {
  const dataDir = resolve(place.DATA_DIR)
  return place.REDIS_URL !== undefined || existsSync(join(dataDir, 'state')) || hasRestore(dataDir)
}

interface Revoked {
  readonly isNew: boolean
  /** Ids of what the key issued. */
  readonly issued: readonly string[]
}

/** Resolves with false for a name that was revoked before. */
const putIn = async (opened: OpenedState, name: string): Promise<boolean> => {
  const isNew = await putRevocation(opened.state, name, Date.now())
  await announceToServices(opened, (shared) => announceRevocation(shared, name))
  return isNew
}

/** Revokes the key, and where it is wanted all that it issued; resolves with what was not revoked before. */
const revokeIn = async (
  opened: OpenedState,
  keyId: string,
  withIssued: boolean
): Promise<Revoked> => {
  // This comes first, so that a key that is issued meanwhile is refused (keys/issuing.ts).
  const isBranchNew = withIssued && (await putIn(opened, issuedBy(keyId)))
  const isNew = (await putIn(opened, keyId)) || isBranchNew
  const issued: string[] = []
  if (withIssued) {
    const lineage = createLineage(opened.state)
    await sideBySide(lineage.descendantsOf(keyId), REVOKED_AT_ONCE, async (id) => {
      await putIn(opened, id)
      issued.push(id)
    })
  }
  return { isNew, issued }
}

/** Resolves with the ids of the keys that were in force. */
const revokeOfTrustIn = async (opened: OpenedState, trust: string): Promise<string[]> => {
  const issued: string[] = []
  const { descendantsOf } = createLineage(opened.state)
  const inForce = descendantsOf(originOf(trust), Date.now() - CLOCKS_DIFFER_MS)
  await sideBySide(inForce, REVOKED_AT_ONCE, async (id) => {
    await putIn(opened, id)
    issued.push(id)
  })
  return issued
}

const isConfigured = (trust: string, folder: string): boolean => {
  try {
    return readConfig(process.env, folder).trusts.some(({ name }) => name === trust)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return false
  }
}

/** What is needed to write a trail, which a revocation can do without; undefined where it is not all here. */
const trailSettings = (folder: string): TrailSettings | undefined => {
  try {
    return readSomeSettings(process.env, folder, TRAIL)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    tell('Note: this is on no record, for which ENCRYPTION_KEYS is needed.')
    return undefined
  }
}

export interface RevokeOptions {
  readonly issued?: boolean
  readonly trust?: string
}

/** Where services read it. */
const placeOfState = (folder: string): PlaceSettings => {
  const place = readSomeSettings(process.env, folder, PLACE)
  // A state that this command created in a wrong folder would take the revocation, and no service would read it there.
  if (!hasState(place)) {
    throw new CommandFailure('There is no service in DATA_DIR: run this where the service runs.')
  }
  return place
}

/** Afterwards: where there can be no record, the keys are refused all the same. */
const record = async (
  folder: string,
  reasons: readonly string[],
  object?: string
): Promise<void> => {
  const trail = trailSettings(folder)
  if (trail === undefined) return
  await onRecordIfAny('key revoke', trail, undefined, async ({ done }) => {
    await Promise.all(reasons.map((reason) => done('key.revoke', reason, object)))
  })
}

export const revoke = async (
  keyId: string | undefined,
  { issued: withIssued = false, trust }: RevokeOptions
): Promise<void> => {
  const folder = process.cwd()
  // Ids of keys are no secret, and stand in Redis as they are.
  const settings = { ...placeOfState(folder), ENCRYPTION_KEYS: [] }
  if (trust !== undefined) {
    const ids = await withState(settings, (opened) => revokeOfTrustIn(opened, trust))
    if (ids.length === 0 && !isConfigured(trust, folder)) {
      throw new CommandFailure(
        `Nothing was revoked: no key of logins by ${trust} is in force, and no configuration that can be read here has such a trust.`
      )
    }
    await print(`${ids.length} keys of logins by ${trust} are revoked`)
    await record(folder, ids, `trust ${trust}`)
    return
  }
  if (keyId === undefined) return
  const { isNew, issued } = await withState(settings, (opened) =>
    revokeIn(opened, keyId, withIssued)
  )
  await print(isNew ? `${keyId} is revoked` : `${keyId} was revoked before`)
  if (withIssued) await print(`and with it what it issued: ${issued.length} known keys`)
  await record(folder, [keyId, ...issued])
}
