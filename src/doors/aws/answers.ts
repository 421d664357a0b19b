/**
 * Answers as AWS Secrets Manager and its agent write them. Rule: a secret's text goes out as its store has it, and a member
 * that we do not know (when a version was made) is left out, not made up.
 */
import type { View } from '../../secrets/view.ts'
import { type SecretText, textOf } from '../text.ts'
import { type Found, type Identity, identityOf, type Place, versionOf } from './secrets.ts'

const json = (value: unknown): string => JSON.stringify(value)

/** What was written as a text is given as one, also where its store keeps fields alone. */
const loneText = (
  place: Place,
  { reference }: View,
  { object }: SecretText
): string | undefined => {
  if (reference.field !== undefined || object?.members?.size !== 1) return undefined
  const field = place.loneFieldOf(reference.store)
  const node = field === undefined ? undefined : object.members.get(field)
  return node?.text.startsWith('"') ? JSON.parse(node.text) : undefined
}

/** `SecretString` or `SecretBinary`, with the comma before it. */
const secretOf = (place: Place, view: View): string => {
  const secret = textOf(view)
  const text = loneText(place, view, secret) ?? secret.text
  return `,"${secret.isBinary ? 'SecretBinary' : 'SecretString'}":${json(text)}`
}

const headOf = ({ arn, name }: Identity): string => `{"ARN":${json(arn)},"Name":${json(name)}`

/** Characters. Longer answers are written each time: kept, they would double what cached secrets take of the memory. */
const KEPT_MAX = 4 * 1024

interface Written extends Found {
  readonly label: string
  readonly region: string
  readonly text: string
}

/** The last short answer about a view, for as long as the secret is cached. */
const written = new WeakMap<View, Written>()

const isOf = (
  known: Written,
  { label }: Place,
  region: string,
  { named, stages }: Found
): boolean =>
  known.label === label &&
  known.region === region &&
  known.named.name === named.name &&
  known.named.wanted.text === named.wanted.text &&
  (known.stages === stages || known.stages.join() === stages.join())

/** The answer to GetSecretValue, and an item of a batch. */
export const secretValue = (place: Place, region: string, found: Found): string => {
  const { named, view, stages } = found
  const known = written.get(view)
  if (known !== undefined && isOf(known, place, region, found)) return known.text
  const labels = stages.length === 0 ? '' : `,"VersionStages":${json(stages)}`
  const head = headOf(identityOf(place, region, named, view.reference))
  const text = `${head},"VersionId":${json(versionOf(place, view))}${secretOf(place, view)}${labels}}`
  if (text.length <= KEPT_MAX) written.set(view, { ...found, label: place.label, region, text })
  return text
}

export const description = (place: Place, region: string, found: Found): string => {
  const { named, view, stages } = found
  const head = headOf(identityOf(place, region, named, view.reference))
  return `${head},"VersionIdsToStages":${json({ [versionOf(place, view)]: stages })}}`
}

/**
 * An item of ListSecrets, without `SecretVersionsToStages`: versions are known of what is cached alone, and so would tell what
 * somebody has read.
 */
export const listed = (identity: Identity): string => `${headOf(identity)}}`

export const writtenVersion = (
  identity: Identity,
  versionId: string,
  stages?: readonly string[]
): string => {
  const labels = stages === undefined ? '' : `,"VersionStages":${json(stages)}`
  return `${headOf(identity)},"VersionId":${json(versionId)}${labels}}`
}
