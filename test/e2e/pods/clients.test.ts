/**
 * Programs in a pod of a real cluster, each told where to ask by its environment and given its pod's token: every one reads its
 * whole group of secrets and nothing of another, and with any other token gets nothing.
 */
import { test } from 'tap'
import { skipWithout } from '../../support/peers.ts'
import { isRefused, readsGroup } from '../../support/pod-asking.ts'
import { arePodsInstalled } from '../../support/pod-clients.ts'
import { EVE, type PodService, startPodService } from '../../support/pod-service.ts'
import { forgedTokens, othersTokens } from '../../support/pod-tokens.ts'
import { accountsOf, createAccount, startCluster, tokenOf } from '../../support/workload-cluster.ts'

const options = { timeout: 600_000 }

test(
  'each client reads its whole group with the token of its pod, and with no other token',
  options,
  async (t) => {
    if (skipWithout(t, await arePodsInstalled())) return
    const [{ cluster, uid, tokenFile }, other] = await Promise.all([
      startCluster(t),
      startCluster(t)
    ])
    // Clients wait before they try again, so that several go on at once; each has the records of a service of its own.
    const start = () => startPodService(t, cluster, { uid, tokenFile })
    const services = await Promise.all([start(), start(), start()])
    const [service] = services
    const token = await tokenOf(cluster)
    for (const one of services) await readsGroup(t, one, token)
    const ofEve = await tokenOf(cluster, { namespace: 'eve' })
    await readsGroup(t, { ...service, team: EVE }, ofEve)
    const wrong = [
      ...(await othersTokens(cluster, other.cluster)),
      ...(await forgedTokens(cluster))
    ]
    const waiting = wrong.values()
    const refuseAll = async (service: PodService): Promise<void> => {
      for (const one of waiting) await isRefused(t, service, one)
    }
    await Promise.all(services.map(refuseAll))
    await cluster.admin('DELETE', `${accountsOf('shop')}/cart`)
    await createAccount(cluster, 'shop', 'cart')
    await isRefused(t, service, {
      what: 'the account, made again',
      reason: 'token_not_bound',
      token: await tokenOf(cluster)
    })
  }
)
