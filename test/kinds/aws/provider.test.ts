/** What every provider owes the broker, from the kind aws-secrets-manager. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { awsSubject } from './fake.ts'

providerSuite('aws-secrets-manager', awsSubject)
