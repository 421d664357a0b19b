/** How far a rotation of the encryption key has come. */

interface Counted {
  readonly active: boolean
  /** API keys under it that would be accepted. */
  readonly keys: number
}

export const rotationOf = (
  encryptionKeys: readonly Counted[]
): { readonly moved: number; readonly all: number } => {
  const sum = (of: readonly Counted[]): number => of.reduce((total, { keys }) => total + keys, 0)
  return { moved: sum(encryptionKeys.filter(({ active }) => active)), all: sum(encryptionKeys) }
}
