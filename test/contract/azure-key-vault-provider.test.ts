/** What every provider owes the broker, from the kind azure-key-vault. */
import { azureSubject } from '../support/fake-azure.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('azure-key-vault', azureSubject)
