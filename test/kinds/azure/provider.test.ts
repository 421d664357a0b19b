/** What every provider owes the broker, from the kind azure-key-vault. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { azureSubject } from './fake.ts'

providerSuite('azure-key-vault', azureSubject)
