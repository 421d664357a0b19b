/**
 * Many pieces of work at once, but not all: so many are under way, and whichever ends makes room for the next. Rule: where
 * one fails none is begun any more.
 */
export const sideBySide = async <T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>
): Promise<void> => {
  // One for all: whoever leaves its loop ends it for the others.
  const waiting = (async function* () {
    yield* items
  })()
  const takeOn = async (): Promise<void> => {
    for await (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, takeOn))
}
