/**
 * The clients of Vault at the product itself, with the tokens of a real cluster: what they raise there for a token that is not
 * taken is what they raise at our door.
 */
import { readFileSync } from 'node:fs'
import { type Test, test } from 'tap'
import { createAdmin } from '../../kinds/vault/fake.ts'
import type { KubeApiserver } from '../../support/kube-apiserver.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { HVAC, tokenFileOf } from '../../support/pod-clients.ts'
import { SHOP } from '../../support/pod-service.ts'
import { forgedTokens, othersTokens, publicKeyOf } from '../../support/pod-tokens.ts'
import { ISSUER, startCluster, tokenOf } from '../../support/workload-cluster.ts'

const POLICY = `
path "secret/data/${SHOP.group}/*" { capabilities = ["read"] }
path "secret/metadata/${SHOP.group}/*" { capabilities = ["list"] }
`

/** OpenBao with the same secrets, where the same account may log in by both methods. */
const startProduct = async (t: Test, cluster: KubeApiserver, reviewer: string) => {
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  for (const [name, value] of Object.entries(SHOP.values)) {
    await admin('POST', `secret/data/${SHOP.group}/${name}`, { data: { value } })
  }
  await admin('POST', `secret/data/${SHOP.forbidden}`, { data: { value: 'of another group' } })
  await admin('POST', 'sys/policies/acl/app', { policy: POLICY })
  for (const type of ['kubernetes', 'jwt']) await admin('POST', `sys/auth/${type}`, { type })
  await admin('POST', 'auth/kubernetes/config', {
    kubernetes_host: cluster.url,
    kubernetes_ca_cert: cluster.ca,
    token_reviewer_jwt: reviewer
  })
  await admin('POST', `auth/kubernetes/role/${SHOP.trust}`, {
    bound_service_account_names: ['cart'],
    bound_service_account_namespaces: ['shop'],
    audience: 'purser',
    token_policies: ['app']
  })
  await admin('POST', 'auth/jwt/config', {
    jwt_validation_pubkeys: [await publicKeyOf(cluster)],
    bound_issuer: ISSUER
  })
  await admin('POST', `auth/jwt/role/${SHOP.trust}`, {
    role_type: 'jwt',
    bound_audiences: ['purser'],
    bound_subject: 'system:serviceaccount:shop:cart',
    user_claim: 'sub',
    token_policies: ['app']
  })
  return { vaultUrl: url, caFile: '', team: SHOP }
}

test('a client of Vault raises at our door for a wrong token what it raises at OpenBao', {
  timeout: 240_000
}, async (t) => {
  if (skipWithout(t, await isInstalled('kube-apiserver', 'etcd', 'hvac', 'openbao'))) return
  const [{ cluster, tokenFile }, other] = await Promise.all([startCluster(t), startCluster(t)])
  const product = await startProduct(t, cluster, readFileSync(tokenFile, 'utf8').trim())
  const good = tokenFileOf(t, await tokenOf(cluster))
  for (const { name, read } of HVAC) {
    const { values, others, error, text } = await read(t, product, good)
    t.strictSame(values, SHOP.values, `${name}: ${error} ${text}`)
    // At our door a folder in which nothing may be read is one that there is not: docs/doors/vault.md.
    const forbidden = { error: 'Forbidden', text: /permission denied/ }
    t.match(others, [forbidden, forbidden], name)
  }
  const wrong = [...(await othersTokens(cluster, other.cluster)), ...(await forgedTokens(cluster))]
  for (const { what, token } of wrong) {
    const file = tokenFileOf(t, token)
    for (const { name, read, refused } of HVAC) {
      const { values, error, text } = await read(t, product, file)
      t.equal(values, undefined, `${what}: ${name}`)
      t.equal(error, refused.error, `${what}: ${name}: ${text}`)
    }
  }
})
