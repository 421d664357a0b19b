/** A register of sessions that keeps none, for tests of sessions alone. */
import type { SessionRegister } from '../../src/keys/session-register.ts'

export const NO_REGISTER: SessionRegister = {
  note: async () => {},
  forget: async () => {},
  drop: async () => {},
  list: async function* () {}
}
