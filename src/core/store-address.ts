/**
 * Where a configured store stands, as far as references need to know: the part of its settings by which an ARN, a URL
 * or a resource name is recognised as belonging to it. References never choose a host; they only match one of these.
 */
export type StoreAddress =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'aws-secrets-manager'
      readonly partition: string
      readonly region: string
      readonly accounts: readonly string[]
    }
  | { readonly kind: 'azure-key-vault' /** lower case, no port */; readonly host: string }
  | {
      readonly kind: 'gcp-secret-manager'
      readonly project: string
      /** The other name of the same project, which Google itself writes in its answers. */
      readonly projectNumber?: string
      readonly location?: string
    }
  | {
      readonly kind: 'vault'
      /** scheme, host and port as `new URL(address).origin` gives them */
      readonly origin: string
      readonly namespace?: string
      readonly mounts: readonly { readonly path: string; readonly version: 1 | 2 }[]
    }
  | { readonly kind: 'kubernetes'; readonly namespaces: readonly string[] }

export type StoreKind = StoreAddress['kind']

export interface NamedStore {
  readonly name: string
  readonly address: StoreAddress
}
