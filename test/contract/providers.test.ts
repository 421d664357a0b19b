/** The contract suite, one line per kind of store. */
import { awsSubject } from '../support/fake-aws.ts'
import { azureSubject } from '../support/fake-azure.ts'
import { gcpSubject } from '../support/fake-gcp.ts'
import { kubernetesSubject } from '../support/fake-kubernetes.ts'
import { vaultSubject } from '../support/fake-vault.ts'
import { localSubject } from '../support/local-subject.ts'
import { providerSuite } from './provider-suite.ts'

providerSuite('aws-secrets-manager', awsSubject)
providerSuite('azure-key-vault', azureSubject)
providerSuite('gcp-secret-manager', gcpSubject)
providerSuite('kubernetes', kubernetesSubject)
providerSuite('local', localSubject)
providerSuite('vault', vaultSubject)
