/**
 * What libraries say past us. Rule: no line of theirs reaches the console, since nobody has looked at what stands in
 * it; who runs the service is told that there was one, by its first words at most.
 */
type Say = (message: string, fields: Readonly<Record<string, string>>) => void

/** Up to where a library begins to quote: the words before are its own. */
const firstWords = (said: unknown): string =>
  typeof said === 'string' ? (/^[^":{\n]*/.exec(said)?.[0] ?? '').slice(0, 100).trim() : ''

/** Of several callers, only the last one's `say` is called. */
export const quiet = (say: Say): void => {
  const told = new Set<string>()
  const once = (message: string, fields: Readonly<Record<string, string>>): void => {
    const text = JSON.stringify(fields)
    if (told.has(text) || told.size > 100) return
    told.add(text)
    say(message, fields)
  }
  const hear = (said: unknown): void =>
    once('a library had something to say', { said: firstWords(said) })
  console.warn = hear
  console.error = hear
  // Node's own listener writes to stderr.
  process.removeAllListeners('warning')
  process.on('warning', ({ name, ...rest }) => {
    const { code } = rest as { readonly code?: unknown }
    once('Node has a warning', { name, ...(typeof code === 'string' && { code }) })
  })
}
