/** The local store as the contract suite takes it: there is no peer and no wire, only the store itself. */

import { Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { local } from '../../../src/kinds/local/index.ts'
import { deleteSecret, putSecret } from '../../../src/kinds/local/store.ts'
import type { Subject } from '../../contract/provider-suite.ts'
import { openState } from '../../support/embedded.ts'
import { createDeps } from '../../support/provider-deps.ts'

export const localSubject: Subject = {
  path: (name) => name,
  specialNames: ['special/a_b-c.d', 'special/+=@~:', 'special/A', 'special/a', 'special'],
  stores: 'texts',
  storesEmptyText: true,
  largestTextBytes: 65_536,
  absentVersion: '99',
  powers: {
    write: { toMissing: 'is created', comparesVersions: true },
    list: { prefix: (name) => `${name}/` }
  },
  real: {
    available: async () => true,
    open: async (t) => {
      const sealer = createSealer(createKeyring([newEncryptionKey()]))
      const deps = createDeps({}, { state: openState(t), sealer: () => sealer })
      const store = { name: deps.store, state: deps.state, sealer: deps.sealer, now: deps.now }
      return {
        provider: await local.connect({}, deps),
        seed: (path, text) => putSecret(store, path, new Sensitive(text)),
        remove: async (path) => {
          await deleteSecret(store, path)
        }
      }
    }
  }
}
