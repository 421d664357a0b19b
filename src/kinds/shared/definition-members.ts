/** What members of an entry of HASHICORP_VAULT_CONFIG may be, whichever kind of store keeps its definition. */
import { Type } from 'typebox'

export const Text = Type.String({ minLength: 1 })
/** As in `purser.yaml`; checked with the settings of the kind. */
export const Passed = Type.Optional(Type.Unknown())
