/**
 * Which keys stand under a name. Rule: it costs a look-up, however many keys there are. Nearly every name has one key, and
 * pays for no set.
 */
export interface NameIndex {
  readonly add: (name: string, key: string) => void
  readonly remove: (name: string, key: string) => void
  readonly keysOf: (name: string) => readonly string[]
}

export const createNameIndex = (): NameIndex => {
  const index = new Map<string, string | Set<string>>()
  return {
    add: (name, key) => {
      const known = index.get(name)
      if (known === undefined) index.set(name, key)
      else if (typeof known !== 'string') known.add(key)
      else if (known !== key) index.set(name, new Set([known, key]))
    },
    remove: (name, key) => {
      const known = index.get(name)
      if (typeof known === 'object') known.delete(key)
      if (known === key || (typeof known === 'object' && known.size === 0)) index.delete(name)
    },
    keysOf: (name) => {
      const known = index.get(name)
      if (known === undefined) return []
      return typeof known === 'string' ? [known] : [...known]
    }
  }
}
