/** The API server is away: pods whose key is known log in and read on, now and an hour later. */
import { test } from 'tap'
import { openDoor } from '../../support/doors.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { readsGroup } from '../../support/pod-asking.ts'
import { arePodsInstalled, HVAC, tokenFileOf } from '../../support/pod-clients.ts'
import { SHOP, startPodService, yamlOf } from '../../support/pod-service.ts'
import { startCluster, tokenOf } from '../../support/workload-cluster.ts'

const HOUR = 3_600_000
const options = { timeout: 240_000 }

test(
  'with an API server that is gone, each client logs in and reads its whole group',
  options,
  async (t) => {
    if (skipWithout(t, await arePodsInstalled())) return
    const { cluster, tokenFile } = await startCluster(t)
    const service = await startPodService(t, cluster, { tokenFile })
    await readsGroup(t, service, await tokenOf(cluster))
    const token = await tokenOf(cluster)
    await cluster.stop()
    const before = (await service.logins()).length
    await readsGroup(t, service, token)
    t.ok((await service.logins()).length > before)
  }
)

test('an API server that hangs for an hour keeps no client of Vault out', options, async (t) => {
  if (skipWithout(t, await isInstalled('kube-apiserver', 'etcd', 'hvac'))) return
  const { cluster, tokenFile } = await startCluster(t)
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const yaml = yamlOf(cluster, { tokenFile })
  const entry = '{ dialect: vault, port: 0, mounts: { secret: aws } }'
  const door = await openDoor(t, { entry }, { yaml, now })
  for (const [name, text] of Object.entries(SHOP.values)) {
    await door.seed('aws', `${SHOP.group}/${name}`, text)
  }
  const file = tokenFileOf(t, await tokenOf(cluster, { seconds: 7_200 }))
  const place = { vaultUrl: `http://127.0.0.1:${door.port}`, caFile: '', team: SHOP }
  const allRead = async () => {
    for (const { name, read } of HVAC) {
      const { values, error, text } = await read(t, place, file)
      t.strictSame(values, SHOP.values, `${name}: ${error} ${text}`)
    }
  }
  await allRead()
  process.kill(cluster.pid, 'SIGSTOP')
  t.teardown(() => process.kill(cluster.pid, 'SIGCONT'))
  clock.ahead = HOUR
  await allRead()
  t.match(door.logs.join(''), /the keys of a trust's issuer cannot be had/)
})
