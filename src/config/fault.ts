/** What is wrong with a configuration: every fault at once, each with its place. Rule: a fault never shows a value. */
export interface ConfigFault {
  /** A setting's name, or `purser.yaml:<line>:<column>`. */
  readonly place: string
  readonly message: string
}

/** Why a file gave no text, as the end of a sentence: the system's own message has more than is told. */
export const whyUnread = (error: unknown): string =>
  error instanceof Error && !('code' in error) ? error.message : 'cannot be read'

export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(
      ['The configuration is not valid:', ...faults.map((f) => `  ${f.place}: ${f.message}`)].join(
        '\n'
      )
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}
