/** What a setting is: its default, its meaning, and how its text is read. */
export interface Setting<T> {
  /** The text used where the environment has none; undefined: the setting may be absent, or is required. */
  readonly fallback?: string
  readonly required?: true
  /** What operators of other systems call it; taken, with a note. */
  readonly aliases?: readonly string[]
  /** May come from `<NAME>_FILE`; never shown. */
  readonly secret?: true
  readonly about: string
  readonly parse: (text: string) => T
}

export const setting = <T>(
  about: string,
  parse: (text: string) => T,
  rest: Omit<Setting<T>, 'about' | 'parse'> = {}
): Setting<T> => ({ about, parse, ...rest })

export const optional = <T>(
  about: string,
  parse: (text: string) => T,
  rest: Omit<Setting<T>, 'about' | 'parse' | 'fallback'> = {}
): Setting<T | undefined> => setting<T | undefined>(about, parse, rest)
