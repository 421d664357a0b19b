/** Programs in a pod that run longer than their keys: the token of the pod is rotated, and they go on by themselves. */
import { spawn } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type Test, test } from 'tap'
import { isInstalled, type PeerName, programOf, skipWithout } from '../../support/peers.ts'
import { boto3Environment, hvacEnvironment, tokenFileOf } from '../../support/pod-clients.ts'
import { GROUP, type PodService, startPodService, WHOLE_GROUP } from '../../support/pod-service.ts'
import { signedBy } from '../../support/pod-tokens.ts'
import { eventually } from '../../support/redis.ts'
import { startCluster, tokenOf } from '../../support/workload-cluster.ts'

const options = { timeout: 240_000 }
const READ = { value: WHOLE_GROUP['Key00'] }
const ENVIRONMENTS = { boto3: boto3Environment, hvac: hvacEnvironment }

const isMissing = async (t: Test, client: PeerName): Promise<boolean> =>
  skipWithout(t, await isInstalled('kube-apiserver', 'etcd', client))

/** A program that reads once for each call, with the token that is in the file then. */
const startProgram = (
  t: Test,
  service: PodService,
  client: keyof typeof ENVIRONMENTS,
  tokenFile: string
) => {
  const script = resolve('test/support/door-clients/pod_renewal.py')
  const child = spawn(programOf('hvac') ?? '', [script, client, `${GROUP}/Key00`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...ENVIRONMENTS[client](t, service, tokenFile) }
  })
  t.teardown(() => child.kill('SIGKILL'))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (): Promise<unknown> => {
    child.stdin.write('\n')
    return JSON.parse((await answers.next()).value ?? '{"error":"it ended"}')
  }
}

const setUp = async (t: Test) => {
  const { cluster, tokenFile } = await startCluster(t)
  const service = await startPodService(t, cluster, { tokenFile })
  const lasting = (seconds: number) =>
    signedBy(cluster, { exp: Math.floor(Date.now() / 1000) + seconds })
  const logins = async () => (await service.logins()).map(({ outcome }) => outcome)
  /** As the kubelet does it. */
  const rotate = (file: string, token: string): void => {
    writeFileSync(`${file}.new`, token)
    renameSync(`${file}.new`, file)
  }
  return { cluster, service, lasting, logins, rotate }
}

/** Until the key of a token has ended that lasts so long. */
const over = async (seconds: number, since: number): Promise<void> =>
  eventually(() => Date.now() > since + seconds * 1_000)

test(
  'boto3 logs in again by itself as its key nears its end, and goes on after that',
  options,
  async (t) => {
    if (await isMissing(t, 'aws-clients')) return
    const { cluster, service, lasting, logins, rotate } = await setUp(t)
    const file = tokenFileOf(t, await lasting(3_600))
    const read = startProgram(t, service, 'boto3', file)
    for (const _ of [1, 2, 3]) t.match(await read(), READ)
    t.same(await logins(), ['allowed'], 'a key of an hour is good for all of them')

    rotate(file, await lasting(840))
    const near = startProgram(t, service, 'boto3', file)
    t.match(await near(), READ)
    t.equal((await logins()).length, 3, 'anew from 15 minutes before its end on, before each read')
    rotate(file, await lasting(3_600))
    for (const _ of [1, 2, 3]) t.match(await near(), READ)
    t.equal((await logins()).length, 4, 'until it has a longer one')

    rotate(file, await lasting(840))
    const early = startProgram(t, service, 'boto3', file)
    t.match(await early(), READ)
    rotate(file, await tokenOf(cluster, { name: 'other' }))
    t.match(await early(), READ, 'with the key that is good still, whatever befalls the next one')

    const since = Date.now()
    rotate(file, await lasting(5))
    const short = startProgram(t, service, 'boto3', file)
    t.match(await short(), READ)
    await over(6, since)
    t.match(await short(), { error: 'CredentialRetrievalError' }, 'key and token are over')
    rotate(file, await tokenOf(cluster))
    t.match(await short(), READ, 'and the next token is taken')
  }
)

test('a program with hvac logs in again when its key is over', options, async (t) => {
  if (await isMissing(t, 'hvac')) return
  const { cluster, service, lasting, logins, rotate } = await setUp(t)
  const since = Date.now()
  const file = tokenFileOf(t, await lasting(5))
  const read = startProgram(t, service, 'hvac', file)
  t.match(await read(), READ)
  t.match(await read(), READ)
  t.same(await logins(), ['allowed'])
  await over(6, since)
  t.match(await read(), { error: 'Forbidden' }, 'key and token are over')
  rotate(file, await tokenOf(cluster))
  t.match(await read(), READ)
  t.same(await logins(), ['allowed', 'denied', 'allowed'])
})

test(
  'a login by hvac that comes before the API server answers waits for it by its retries',
  options,
  async (t) => {
    if (await isMissing(t, 'hvac')) return
    const { cluster, service, logins } = await setUp(t)
    const file = tokenFileOf(t, await tokenOf(cluster))
    process.kill(cluster.pid, 'SIGSTOP')
    t.teardown(() => process.kill(cluster.pid, 'SIGCONT'))
    const answer = startProgram(t, service, 'hvac', file)()
    await service.says(/the keys of a trust's issuer cannot be had/)
    process.kill(cluster.pid, 'SIGCONT')
    t.match(await answer, READ)
    t.same(
      (await logins()).filter((outcome) => outcome === 'allowed'),
      ['allowed']
    )
  }
)
