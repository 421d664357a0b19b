/** What every provider owes the broker, from the kind onepassword-connect. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { onePasswordSubject } from './fake.ts'

providerSuite('onepassword-connect', onePasswordSubject)
