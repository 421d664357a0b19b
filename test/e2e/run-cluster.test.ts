// `purser run` with the token that a real API server makes for a pod: it gets its group, and with any other token nothing.
import { test } from 'tap'
import { isClusterInstalled } from '../support/kube-apiserver.ts'
import { skipWithout } from '../support/peers.ts'
import { isRefused, readsGroup } from '../support/pod-asking.ts'
import { purserRun } from '../support/pod-clients.ts'
import { startPodService } from '../support/pod-service.ts'
import { ISSUER, startCluster, tokenOf } from '../support/workload-cluster.ts'

test("a pod's token of a real cluster gets the whole group, and no other token does", async (t) => {
  if (skipWithout(t, await isClusterInstalled())) return
  const { cluster, tokenFile } = await startCluster(t)
  const service = await startPodService(t, cluster, { tokenFile })
  await readsGroup(t, service, await tokenOf(cluster), [purserRun])
  const wrong = [
    ['another account', 'token_not_bound', await tokenOf(cluster, { name: 'other' })],
    ['another audience', 'token_audience', await tokenOf(cluster, { audience: ISSUER })]
  ] as const
  for (const [what, reason, token] of wrong) {
    await isRefused(t, service, { what, reason, token }, [purserRun])
  }
})
