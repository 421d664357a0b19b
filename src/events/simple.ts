/**
 * The form for whoever has no cloud to speak for it (a hook of Vault, a controller in Kubernetes, a script): paths as
 * they stand in references to the store. Rule: one path that is none refuses them all, since a person wrote it.
 */
import { Type } from 'typebox'
import { fitting } from '../core/fits.ts'
import { ProblemError } from '../core/problem.ts'
import type { NamedStore } from '../core/store-address.ts'
import { EVENTS_MAX, type Heard, heard } from '../kinds/shared/notification.ts'
import { nameIn } from './notification.ts'

const Path = Type.String({ minLength: 1, maxLength: 1024 })
const Simple = Type.Union([
  Type.Object({ path: Path }, { additionalProperties: false }),
  Type.Object(
    { paths: Type.Array(Path, { minItems: 1, maxItems: EVENTS_MAX }) },
    { additionalProperties: false }
  )
])
const simple = fitting(Simple)

/** Undefined for another form. Throws `invalid_reference`. */
export const hearSimple = (store: NamedStore, body: unknown): Heard | undefined => {
  if (!simple(body)) return undefined
  const paths = 'path' in body ? [body.path] : body.paths
  const named = paths.map((path) => nameIn(store, `${store.name}:${path}`))
  if (named.includes('malformed')) {
    throw new ProblemError('invalid_reference', {
      detail: 'a path is not one that a secret of this store may have'
    })
  }
  return heard(named)
}
