/** What members of several kinds are alike: of their settings, and of entries of HASHICORP_VAULT_CONFIG. */
import { Type } from 'typebox'

export const Text = Type.String({ minLength: 1 })
/** As in `purser.yaml`; checked with the settings of the kind. */
export const Passed = Type.Optional(Type.Unknown())

export const CaCertFile = Type.Optional(
  Type.String({
    minLength: 1,
    description: 'a PEM file with the authorities to trust instead of the public ones'
  })
)

export const Insecure = Type.Optional(
  Type.Boolean({
    description:
      'the network between Purser and an `http:` address is closed to everybody else, so that pre and pro may use it'
  })
)
