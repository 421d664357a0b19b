/** What every provider owes the broker, from the kind gcp-secret-manager. */
import { gcpSubject } from '../support/fake-gcp.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('gcp-secret-manager', gcpSubject)
