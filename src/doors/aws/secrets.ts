/**
 * From the ids of AWS to what the broker gives. Rule: the broker is always asked, and first of all: who may not read a secret
 * learns nothing from its id, its version or its stage.
 */
import type { Target } from '../../config/door-entries.ts'
import type { Caller } from '../../core/caller.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Reference } from '../../core/reference.ts'
import type { Freshness, Wanted } from '../../secrets/terms.ts'
import type { View } from '../../secrets/view.ts'
import type { DoorMeans } from '../means.ts'
import { wantedOf } from '../target.ts'
import { AS_STORED } from '../text.ts'
import { arnOf, isVersionId, parseSecretId, versionIdOf, versionToldBy } from './names.ts'

/** Where a door's names lead, and what it may use. */
export interface Place extends Pick<DoorMeans, 'broker' | 'keyring' | 'mayKnow' | 'loneFieldOf'> {
  readonly target: Target
  /** What ARNs depend on: two doors to the same place give the same. */
  readonly label: string
}

const labelOf = (target: Target): string =>
  target.kind === 'names' ? 'secrets:' : `${target.store}:${target.path}`

export const placeOf = (
  target: Target,
  { broker, keyring, mayKnow, loneFieldOf }: DoorMeans
): Place => ({ broker, keyring, mayKnow, loneFieldOf, target, label: labelOf(target) })

/** What was asked for, and what to call it. */
export interface Named {
  readonly wanted: Wanted
  /** Undefined for a secret that was asked for by an ARN of AWS: that is its name. */
  readonly name: string | undefined
}

export const namedBy = (
  { keyring, target, label }: Place,
  secretId: string,
  version?: string
): Named => {
  const id = parseSecretId(keyring(), label, secretId)
  if ('name' in id) return { wanted: wantedOf(target, id.name, version), name: id.name }
  return {
    wanted: { text: id.arn, ...(version !== undefined && { version }) },
    name: undefined
  }
}

/** The ARN and the name of a secret, as answers have them. */
export interface Identity {
  readonly arn: string
  readonly name: string
}

export const identityOf = (
  { keyring, target, label }: Place,
  region: string,
  { wanted: { text }, name }: Named,
  { path }: Pick<Reference, 'path'>
): Identity => {
  if (name === undefined) return { arn: text, name: path }
  // A store may have one spelling for what can be asked for in several.
  const shown = target.kind === 'names' ? name : path.slice(target.path.length)
  return { arn: arnOf(keyring(), label, region, shown), name: shown }
}

export const CURRENT = 'AWSCURRENT'
export const ONLY_CURRENT: readonly string[] = [CURRENT]

export interface Found {
  readonly named: Named
  readonly view: View
  readonly stages: readonly string[]
}

export interface WantedVersion {
  readonly versionId?: string | undefined
  readonly stage?: string | undefined
}

export const versionOf = (
  { keyring }: Place,
  { reference, version }: Pick<View, 'reference' | 'version'>
): string => versionIdOf(keyring(), reference, version)

const isCode = (error: unknown, code: ProblemError['code']): boolean =>
  error instanceof ProblemError && error.code === code

/** To whom may read a secret, a version that its store cannot have is one that is not there. */
const notThere = (error: unknown): ProblemError =>
  isCode(error, 'invalid_reference')
    ? new ProblemError('secret_not_found')
    : (error as ProblemError)

const hasId = ({ keyring }: Place, { reference, version }: View, id: string): boolean =>
  isVersionId(keyring(), reference, version, id)

/** By its id, by a stage of its store, or by both. */
const findVersion = async (
  place: Place,
  read: (version?: string) => Promise<Found>,
  { versionId, stage }: WantedVersion
): Promise<Found> => {
  // A store has its own stages beside the newest version, or none.
  if (stage !== undefined && stage !== CURRENT) {
    const found = await read(stage).catch((error: unknown) => Promise.reject(notThere(error)))
    // Stores take the id of a version in the same place.
    const isStage = found.view.version !== stage
    if (!isStage || (versionId !== undefined && !hasId(place, found.view, versionId))) {
      throw new ProblemError('secret_not_found')
    }
    return { ...found, stages: [stage] }
  }
  if (versionId === undefined) return read()
  const current = await read().catch((error: unknown) => {
    if (!isCode(error, 'secret_not_found')) throw error
  })
  if (current !== undefined && hasId(place, current.view, versionId)) return current
  if (stage !== undefined) throw new ProblemError('secret_not_found')
  const older = await read(versionToldBy(versionId) ?? versionId).catch((error: unknown) =>
    Promise.reject(notThere(error))
  )
  if (!hasId(place, older.view, versionId)) throw new ProblemError('secret_not_found')
  return older
}

/** Rejects with a ProblemError. */
export const findSecret = (
  place: Place,
  caller: Caller,
  secretId: string,
  wanted: WantedVersion = {},
  freshness?: Freshness
): Promise<Found> => {
  const terms = freshness === undefined ? AS_STORED : { ...AS_STORED, freshness }
  const read = async (version?: string): Promise<Found> => {
    const named = namedBy(place, secretId, version)
    const { view } = await place.broker.readSecret(caller, named.wanted, terms)
    return { named, view, stages: version === undefined ? ONLY_CURRENT : [] }
  }
  const isNewest = wanted.versionId === undefined && wanted.stage === undefined
  return isNewest ? read() : findVersion(place, read, wanted)
}
