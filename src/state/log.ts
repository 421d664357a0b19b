/** How what is below the composition root tells the operator something: a sentence and plain fields. */
export type StateLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>
) => void
