/**
 * Answers as AWS Secrets Manager and its agent write them. Rule: a secret's text goes out as its store has it, and a member
 * that we do not know (when a version was made) is left out, not made up.
 */
import type { View } from '../../secrets/view.ts'
import { type SecretText, textOf, writtenOnce } from '../text.ts'
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

/** What is told of a secret, beside its view. */
type Told = Omit<Found, 'view'>

const valueWritten = writtenOnce(
  (view, place: Place, region: string, { named, stages }: Told): string => {
    const labels = stages.length === 0 ? '' : `,"VersionStages":${json(stages)}`
    const head = headOf(identityOf(place, region, named, view.reference))
    return `${head},"VersionId":${json(versionOf(place, view))}${secretOf(place, view)}${labels}}`
  },
  ({ label }, region, { named: { name, wanted }, stages }) =>
    `${label}\n${region}\n${stages}\n${name}\n${wanted.text}`
)

/** The answer to GetSecretValue, and an item of a batch. */
export const secretValue = (place: Place, region: string, { view, ...told }: Found): string =>
  valueWritten(view, place, region, told)

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
