/** What every provider owes the broker, from the kind vault. */
import { vaultSubject } from '../support/fake-vault.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('vault', vaultSubject)
