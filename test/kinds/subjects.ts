/** How the peer of each kind of store talks. Rule: the catalog says which kinds there are; one that is missing is no program. */
import type { StoreKind } from '../../src/kinds/catalog.ts'
import type { Subject } from '../contract/subject.ts'
import { awsSubject } from './aws/fake.ts'
import { azureSubject } from './azure/fake.ts'
import { gcpSubject } from './gcp/fake.ts'
import { kubernetesSubject } from './kubernetes/fake.ts'
import { localSubject } from './local/subject.ts'
import { onePasswordSubject } from './onepassword/fake.ts'
import { vaultSubject } from './vault/fake.ts'

export const SUBJECTS: Readonly<Record<StoreKind, Subject>> = {
  'aws-secrets-manager': awsSubject,
  'azure-key-vault': azureSubject,
  'gcp-secret-manager': gcpSubject,
  kubernetes: kubernetesSubject,
  local: localSubject,
  'onepassword-connect': onePasswordSubject,
  vault: vaultSubject
}
