/** How what is below the composition root tells the operator something: a sentence and plain fields. */
export type StateLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>
) => void

/** Of an error that nobody expected: its name and where it was thrown. Its message may quote what it failed on. */
export const traceOf = (error: unknown): { readonly name: string; readonly at: string } => {
  if (!(error instanceof Error)) return { name: typeof error, at: '' }
  const frame = (error.stack ?? '').split('\n').find((line) => /^\s+at /.test(line))
  return { name: error.name, at: frame?.trim() ?? '' }
}
