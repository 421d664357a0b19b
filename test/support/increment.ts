/** A counter in the state, as two writers would race for it: read, add, compare and set, until it was set. */
import type { State } from '../../src/state/state.ts'

export const increment = async (state: State, key: string): Promise<void> => {
  for (;;) {
    const before = await state.get(key)
    const next = Buffer.from(String(Number(before?.toString() ?? 0) + 1))
    if (await state.compareAndSet(key, before, next)) return
  }
}
