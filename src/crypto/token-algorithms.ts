/**
 * How the token of a workload may be signed. Rule: by a key of a pair; a secret that is shared proves nothing of an issuer.
 * In a file of its own, since whoever reads a configuration needs no more of a token.
 */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA'
] as const
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number]
