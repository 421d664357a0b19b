/** Many pieces of work at once, but not all: so many are under way, and whichever ends makes room for the next. */
export const sideBySide = async <T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>
): Promise<void> => {
  const waiting = items.values()
  const takeOn = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, takeOn))
}
