/** What every provider owes the broker, from the kind local. */

import { providerSuite } from '../../contract/provider-suite.ts'
import { localSubject } from './subject.ts'

providerSuite('local', localSubject)
