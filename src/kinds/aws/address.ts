/** Where a store of AWS stands. Rule: an ARN is of the store only where partition, region and account are. */
export type AwsAddress = {
  readonly kind: 'aws-secrets-manager'
  readonly partition: string
  readonly region: string
  readonly accounts: readonly string[]
}
