/** What every provider owes the broker, from the kind local. */
import { localSubject } from '../support/local-subject.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('local', localSubject)
