/** What every provider owes the broker, from the kind kubernetes. */
import { kubernetesSubject } from '../support/fake-kubernetes.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('kubernetes', kubernetesSubject)
