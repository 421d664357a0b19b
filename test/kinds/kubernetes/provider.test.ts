/** What every provider owes the broker, from the kind kubernetes. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { kubernetesSubject } from './fake.ts'

providerSuite('kubernetes', kubernetesSubject)
