/** What every provider owes the broker, from the kind vault. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { vaultSubject } from './fake.ts'

providerSuite('vault', vaultSubject)
