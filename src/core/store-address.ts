/**
 * Where a configured store stands, as far as references need to know: the part of its settings by which its kind
 * recognises an ARN, a URL or a resource name as belonging to it. References never choose a host; they only match one
 * of these.
 */

/** Besides its kind, what that kind alone knows to read. */
export type StoreAddress = { readonly kind: string } & Readonly<Record<string, unknown>>

export interface NamedStore {
  readonly name: string
  readonly address: StoreAddress
}
