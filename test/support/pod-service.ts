/**
 * A service for the pods of a cluster, as a process of its own: two groups of secrets, of which pods may read one, a trust whose
 * keys the API server publishes, and the doors of Vault and of AWS. All of it over TLS.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type AuditRecord, recordsIn } from './audit-records.ts'
import { createCertificate } from './certificate.ts'
import { createDirectory } from './embedded.ts'
import type { KubeApiserver } from './kube-apiserver.ts'
import { createConfigured, putLocal, type Running, serve } from './purser-process.ts'
import { ISSUER } from './workload-cluster.ts'

export const TRUST = 'prod-cluster'
export const GROUP = 'acme-pro-appsec'
/** Of another group. */
export const FORBIDDEN = 'acme-pro-dbcfg/Password'
const UNSAID = 'nobody may read this'

/** More than one BatchGetSecretValue has. */
const NAMES = Array.from({ length: 21 }, (_, i) => `Key${String(i).padStart(2, '0')}`)

/** What a pod has to get: the names within the group, and their values. */
export const WHOLE_GROUP: Readonly<Record<string, string>> = Object.fromEntries(
  NAMES.map((name) => [name, `the value of ${name}`])
)

/** Whether a text has any value of any group in it. */
export const tellsValue = (text: string): boolean =>
  text.includes('the value of') || text.includes(UNSAID)

export interface PodService {
  readonly url: string
  readonly awsUrl: string
  readonly vaultUrl: string
  /** PEM of its certificate, and where it stands. */
  readonly ca: string
  readonly caFile: string
  /** Its logins, in their order. */
  readonly logins: () => Promise<readonly AuditRecord[]>
  readonly says: Running['says']
}

interface Trusted {
  /** As `bind:` has it. */
  readonly bind?: string
  readonly ttlSeconds?: number
  /** Of Purser's own account in the cluster. */
  readonly tokenFile: string
}

export const yamlOf = (
  { url, caFile }: KubeApiserver,
  { bind = 'namespace: shop, serviceAccount: cart', ttlSeconds = 3_600, tokenFile }: Trusted
): string => `stores: [{ name: aws, kind: local }]
policies: [{ client: acme-pro-app, read: ["aws:${GROUP}/*"] }]
doors:
  - { dialect: aws, store: aws, port: 0 }
  - { dialect: vault, mounts: { secret: aws }, port: 0 }
trusts:
  - name: ${TRUST}
    kind: kubernetes
    issuer: ${ISSUER}
    audience: purser
    jwks: { url: "${url}/openid/v1/jwks" }
    caFile: ${caFile}
    tokenFile: ${tokenFile}
    bind: { ${bind} }
    grant: { client: acme-pro-app, scopes: ["aura-services:secrets"], ttlSeconds: ${ttlSeconds} }
`

export const startPodService = async (
  t: Test,
  cluster: KubeApiserver,
  trusted: Trusted
): Promise<PodService> => {
  const files = createDirectory(t)
  const { key, cert } = createCertificate('127.0.0.1')
  const [caFile, keyFile] = [join(files, 'ca.crt'), join(files, 'tls.key')]
  writeFileSync(caFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  const { folder } = createConfigured(t, {
    yaml: yamlOf(cluster, trusted),
    variables: {
      TLS_CERT_FILE: caFile,
      TLS_KEY_FILE: keyFile,
      // Or the last of many refusals would be for their number.
      RATE_LIMIT_AUTH_FAILURES_MAX: '10000'
    }
  })
  for (const [name, text] of Object.entries(WHOLE_GROUP)) {
    await putLocal(folder, `${GROUP}/${name}`, text, 'aws')
  }
  await putLocal(folder, FORBIDDEN, UNSAID, 'aws')
  const { url, says } = await serve(t, folder)
  const [, awsUrl = ''] = await says(/Door aws at (http[^"]+)/)
  const [, vaultUrl = ''] = await says(/Door vault at (http[^"]+)/)
  const logins = async () =>
    (await recordsIn(folder)).filter(({ action }) => action === 'key.login')
  return { url, awsUrl, vaultUrl, ca: cert, caFile, logins, says }
}
