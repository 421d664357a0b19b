/** What each kind of store owes an outgoing proxy, one line per kind. Apart from the suite of the peers, for its own time. */
import { awsSubject } from '../support/fake-aws.ts'
import { azureSubject } from '../support/fake-azure.ts'
import { gcpSubject } from '../support/fake-gcp.ts'
import { kubernetesSubject } from '../support/fake-kubernetes.ts'
import { vaultSubject } from '../support/fake-vault.ts'
import { proxySuite } from './proxy-suite.ts'

proxySuite('aws-secrets-manager', awsSubject)
proxySuite('azure-key-vault', azureSubject)
proxySuite('gcp-secret-manager', gcpSubject)
proxySuite('kubernetes', kubernetesSubject)
proxySuite('vault', vaultSubject)
