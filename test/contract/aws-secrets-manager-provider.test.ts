/** What every provider owes the broker, from the kind aws-secrets-manager. */
import { awsSubject } from '../support/fake-aws.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('aws-secrets-manager', awsSubject)
