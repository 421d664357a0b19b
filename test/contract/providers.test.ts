/** The contract suite, one line per kind of store. */
import { awsSubject } from '../support/fake-aws.ts'
import { vaultSubject } from '../support/fake-vault.ts'
import { localSubject } from '../support/local-subject.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('aws-secrets-manager', awsSubject)
providerSuite('local', localSubject)
providerSuite('vault', vaultSubject)
