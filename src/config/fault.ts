/** What is wrong with a configuration: every fault at once, each with its place. Rule: a fault never shows a value. */
export interface ConfigFault {
  /** A setting's name, or `purser.yaml:<line>:<column>`. */
  readonly place: string
  readonly message: string
}

/** Why a file gave no text, as the end of a sentence. The system's own message is not shown, since it tells more. */
export const whyUnread = (error: unknown): string => {
  if (error instanceof Error && !('code' in error)) return error.message
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
}

export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]
  /** What should be known besides, as sentences: so that it does not come up only once the faults are mended. */
  readonly warnings: readonly string[]

  constructor(faults: readonly ConfigFault[], warnings: readonly string[] = []) {
    super(
      ['The configuration is not valid:', ...faults.map((f) => `  ${f.place}: ${f.message}`)].join(
        '\n'
      )
    )
    this.name = 'ConfigError'
    this.faults = faults
    this.warnings = warnings
  }
}
