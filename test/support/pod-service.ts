/**
 * A service for the pods of a cluster, as a process of its own: two groups of secrets, each for the pods of one team, trusts
 * whose keys the API server publishes, and the doors of Vault and of AWS. All of it over TLS.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type AuditRecord, recordsIn } from './audit-records.ts'
import { createCertificate } from './certificate.ts'
import { createDirectory } from './embedded.ts'
import type { KubeApiserver } from './kube-apiserver.ts'
import { createConfigured, putLocal, type Running, serve } from './purser-process.ts'
import { trustOf } from './workload-cluster.ts'

/** Whose pods they are: whom they log in as, and what they may read. */
export interface Team {
  readonly namespace: string
  readonly trust: string
  readonly client: string
  readonly group: string
  /** What its pods have to get: the names within the group, and their values. */
  readonly values: Readonly<Record<string, string>>
  /** A secret of another group. */
  readonly forbidden: string
}

const valuesOf = (names: readonly string[]): Team['values'] =>
  Object.fromEntries(names.map((name) => [name, `the value of ${name}`]))

export const SHOP: Team = {
  namespace: 'shop',
  trust: 'prod-cluster',
  client: 'acme-pro-app',
  group: 'acme-pro-appsec',
  // More than one BatchGetSecretValue has.
  values: valuesOf(Array.from({ length: 21 }, (_, i) => `Key${String(i).padStart(2, '0')}`)),
  forbidden: 'acme-pro-dbcfg/Password'
}

export const EVE: Team = {
  namespace: 'eve',
  trust: 'of-eve',
  client: 'acme-pro-db',
  group: 'acme-pro-dbcfg',
  values: valuesOf(['Password', 'User']),
  forbidden: 'acme-pro-appsec/Key00'
}

const TEAMS = [SHOP, EVE]

/** Whether a text has any value of any group in it. */
export const tellsValue = (text: string): boolean => text.includes('the value of')

export interface PodService {
  /** Whose pods ask. */
  readonly team: Team
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
  /** Of an account of the shop, besides. */
  readonly uid?: string
  /** Of Purser's own account in the cluster. */
  readonly tokenFile: string
}

const teamTrustOf = (
  cluster: KubeApiserver,
  { uid, tokenFile }: Trusted,
  { namespace, trust, client }: Team
): string => {
  const isSame = uid !== undefined && namespace === SHOP.namespace
  const bind = isSame ? `, serviceAccountUid: ${uid}` : ''
  return trustOf(cluster, tokenFile, {
    name: trust,
    bind: `namespace: ${namespace}, serviceAccount: cart${bind}`,
    grant: `client: ${client}, scopes: ["aura-services:secrets"], ttlSeconds: 3600`
  })
}

/** Without doors. */
export const yamlOf = (cluster: KubeApiserver, trusted: Trusted): string =>
  `stores: [{ name: aws, kind: local }]
policies:
${TEAMS.map(({ client, group }) => `  - { client: ${client}, read: ["aws:${group}/*"] }\n`).join('')}trusts:
${TEAMS.map((team) => teamTrustOf(cluster, trusted, team)).join('')}`

const DOORS = `doors:
  - { dialect: aws, store: aws, port: 0 }
  - { dialect: vault, mounts: { secret: aws }, port: 0 }
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
    yaml: yamlOf(cluster, trusted) + DOORS,
    variables: {
      TLS_CERT_FILE: caFile,
      TLS_KEY_FILE: keyFile,
      // Or the last of many refusals would be for their number.
      RATE_LIMIT_AUTH_FAILURES_MAX: '10000'
    }
  })
  for (const { group, values } of TEAMS) {
    for (const [name, text] of Object.entries(values)) {
      await putLocal(folder, `${group}/${name}`, text, 'aws')
    }
  }
  const { url, says } = await serve(t, folder)
  const [, awsUrl = ''] = await says(/Door aws at (http[^"]+)/)
  const [, vaultUrl = ''] = await says(/Door vault at (http[^"]+)/)
  const logins = async () =>
    (await recordsIn(folder)).filter(({ action }) => action === 'key.login')
  return { team: SHOP, url, awsUrl, vaultUrl, ca: cert, caFile, logins, says }
}
