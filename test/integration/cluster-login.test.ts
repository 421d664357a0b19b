// Pods of a real cluster log in with the tokens that its API server signs for them, and whoever else comes is refused.
import { type Test, test } from 'tap'
import { recordsIn } from '../support/audit-records.ts'
import { buildTestApp } from '../support/build-app.ts'
import { isClusterInstalled, type KubeApiserver } from '../support/kube-apiserver.ts'
import { forgedTokens, othersTokens } from '../support/pod-tokens.ts'
import { eventually } from '../support/redis.ts'
import {
  accountsOf,
  createAccount,
  ISSUER,
  startCluster,
  tokenOf,
  trustOf
} from '../support/workload-cluster.ts'

const isInstalled = await isClusterInstalled()
const options = { skip: isInstalled === true ? false : isInstalled, timeout: 240_000 }

const yamlOf = (
  cluster: KubeApiserver,
  tokenFile: string,
  more = '',
  bind = 'namespace: shop, serviceAccount: [cart, api]'
): string => `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
trusts:
${trustOf(cluster, tokenFile, {
  bind,
  grant: 'client: shop, scopes: ["aura-services:secrets"], mode: r, ttlSeconds: 900',
  more
})}`

const serveFor = async (t: Test, yaml: string) => {
  const clock = { ahead: 0 }
  const built = await buildTestApp(t, { yaml, now: () => Date.now() + clock.ahead })
  const logIn = async (token: string) =>
    built.app.server.inject({
      method: 'POST',
      url: '/v1/auth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt'
      }).toString()
    })
  const lastReason = async () => (await recordsIn(built.folder)).at(-1)?.['reason']
  return { built, clock, logIn, lastReason }
}

test(
  'a pod logs in with its own token and reads, and no token of anything else does',
  options,
  async (t) => {
    const { cluster, tokenFile } = await startCluster(t)
    const { built, clock, logIn, lastReason } = await serveFor(t, yamlOf(cluster, tokenFile))
    await built.seed('local', 'shop/db', 'of the shop')
    const answer = await logIn(await tokenOf(cluster))
    t.equal(answer.statusCode, 200, answer.body)
    const { access_token: key, expires_in } = answer.json()
    t.ok(expires_in > 540 && expires_in <= 600)
    t.match((await built.withKey(key).read('local:shop/db')).json(), { value: 'of the shop' })
    const [login] = (await recordsIn(built.folder)).filter(({ action }) => action === 'key.login')
    t.match(login, {
      outcome: 'allowed',
      client: 'shop',
      object: 'trust prod-cluster',
      issuer: ISSUER,
      subject: 'system:serviceaccount:shop:cart',
      tokenId: /^[0-9a-f-]{36}$/
    })

    const other = await startCluster(t)
    const bodies = new Set<string>()
    const isRefused = async (forged: string, reason: string, what: string): Promise<void> => {
      const refused = await logIn(forged)
      t.equal(refused.statusCode, 400, what)
      t.equal(await lastReason(), reason, what)
      bodies.add(refused.body)
    }
    const wrong = [
      ...(await othersTokens(cluster, other.cluster)),
      ...(await forgedTokens(cluster))
    ]
    for (const { what, reason, token } of wrong) await isRefused(token, reason, what)
    const token = await tokenOf(cluster)
    clock.ahead = 601_000
    await isRefused(token, 'token_not_in_force', 'one that ends meanwhile')
    t.equal(bodies.size, 1, 'and nobody can tell them apart')
  }
)

test(
  'an account that was made again is another one, where its uid is bound',
  options,
  async (t) => {
    const { cluster, uid, tokenFile } = await startCluster(t)
    const bind = `namespace: shop, serviceAccount: cart, serviceAccountUid: ${uid}`
    const { logIn, lastReason } = await serveFor(t, yamlOf(cluster, tokenFile, '', bind))
    t.equal((await logIn(await tokenOf(cluster))).statusCode, 200)
    await cluster.admin('DELETE', `${accountsOf('shop')}/cart`)
    t.not(await createAccount(cluster, 'shop', 'cart'), uid)
    t.equal((await logIn(await tokenOf(cluster))).statusCode, 400)
    t.equal(await lastReason(), 'token_not_bound')
  }
)

test(
  'with a review a token ends with its account; without one it is good until it ends',
  options,
  async (t) => {
    const { cluster, tokenFile } = await startCluster(t)
    const review = `
    check: tokenReview
    apiServer: { url: "${cluster.url}", caFile: ${cluster.caFile}, tokenFile: ${tokenFile} }
`
    const reviewed = await serveFor(t, yamlOf(cluster, tokenFile, review))
    const offline = await serveFor(t, yamlOf(cluster, tokenFile))
    const token = await tokenOf(cluster)
    await eventually(async () => (await reviewed.logIn(token)).statusCode === 200)
    t.equal((await offline.logIn(token)).statusCode, 200)
    await cluster.admin('DELETE', `${accountsOf('shop')}/cart`)
    await eventually(async () => (await reviewed.logIn(token)).statusCode === 400)
    t.equal(await reviewed.lastReason(), 'token_reviewed_out')
    t.equal((await offline.logIn(token)).statusCode, 200)
  }
)
