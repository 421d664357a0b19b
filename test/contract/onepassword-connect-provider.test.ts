/** What every provider owes the broker, from the kind onepassword-connect. */
import { onePasswordSubject } from '../support/fake-onepassword.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('onepassword-connect', onePasswordSubject)
