/** What every provider owes the broker, from the kind gcp-secret-manager. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { gcpSubject } from './fake.ts'

providerSuite('gcp-secret-manager', gcpSubject)
