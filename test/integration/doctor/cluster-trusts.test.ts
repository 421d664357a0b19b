/** The trust of a real cluster as doctor sees it, before and after Purser's account may not ask about tokens any more. */
import { type Test, test } from 'tap'
import { examineBad, notOk, sentences } from '../../support/doctor.ts'
import { isClusterInstalled, type KubeApiserver } from '../../support/kube-apiserver.ts'
import { eventually } from '../../support/redis.ts'
import { startCluster, trustOf } from '../../support/workload-cluster.ts'

const isInstalled = await isClusterInstalled()
const options = { skip: isInstalled === true ? false : isInstalled, timeout: 240_000 }
const BINDING = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/purser-auth-delegator'

const examineFor = (t: Test, { url, caFile }: KubeApiserver, tokenFile: string) =>
  examineBad(t, {
    now: Date.now(),
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: shop, read: ["local:shop/*"] }]
trusts:
${trustOf({ url, caFile }, tokenFile, {
  bind: 'namespace: shop, serviceAccount: cart',
  grant: 'client: shop, scopes: ["aura-services:secrets"]',
  more: `    check: tokenReview
    apiServer: { url: "${url}", caFile: ${caFile}, tokenFile: ${tokenFile} }
`
})}`
  })

test(
  'a cluster takes the question of a token of nobody, until its account may not ask',
  options,
  async (t) => {
    const { cluster, tokenFile } = await startCluster(t)
    const trustsIn = async () => {
      const examined = await examineFor(t, cluster, tokenFile)
      const found = notOk(examined).filter((one) => one.startsWith('trusts-'))
      return { found, said: sentences(examined) }
    }
    t.strictSame((await trustsIn()).found, [])
    await cluster.admin('DELETE', BINDING)
    await eventually(async () => (await trustsIn()).found.length > 0)
    const { found, said } = await trustsIn()
    t.strictSame(found, ['trusts-review fail'])
    t.match(said, /bind that account to the ClusterRole system:auth-delegator \(403\)/)
  }
)
