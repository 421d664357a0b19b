/**
 * How many calls each kind of store takes, as its vendor says. Rule: half of a published limit at once and half in the
 * course of its window, so that all replicas together never meet it; `quota` of a store in purser.yaml overrides.
 */
import { type Static, Type } from 'typebox'
import type { StoreAddress } from '../core/store-address.ts'

export const Quota = Type.Object(
  {
    perSecond: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
    burst: Type.Integer({ minimum: 1, maximum: 1_000_000 })
  },
  { additionalProperties: false }
)
/** A token bucket: so many calls a second, and so many at once after a rest. */
export type Quota = Static<typeof Quota>

/** Undefined: there is no peer whose quota could be used up. */
export const QUOTAS: Readonly<Record<StoreAddress['kind'], Quota | undefined>> = {
  // GetSecretValue: 10,000 a second, per account and region.
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
  'aws-secrets-manager': { perSecond: 5_000, burst: 5_000 },
  // Secrets, GET: 4,000 in 10 seconds, per vault and region.
  // https://learn.microsoft.com/azure/key-vault/general/service-limits
  'azure-key-vault': { perSecond: 200, burst: 2_000 },
  // AccessSecretVersion: 90,000 a minute, per project. Its half at once would be no bound at all.
  // https://cloud.google.com/secret-manager/quotas
  'gcp-secret-manager': { perSecond: 750, burst: 5_000 },
  // No limit of its own, unless its operator sets a quota; a tenth of what one node of it was measured to take.
  vault: { perSecond: 500, burst: 1_000 },
  // What the kubelet, which reads secrets too, allows itself (kubeAPIQPS, kubeAPIBurst).
  // https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
  kubernetes: { perSecond: 50, burst: 100 },
  local: undefined
}
