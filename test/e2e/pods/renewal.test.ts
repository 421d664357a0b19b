/** Programs in a pod that run longer than their keys: the token of the pod is rotated, and they go on by themselves. */
import { spawn } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Test, test } from 'tap'
import { isClusterInstalled } from '../../support/kube-apiserver.ts'
import { isInstalled, type PeerName, programOf, skipWithout } from '../../support/peers.ts'
import {
  boto3Environment,
  hvacEnvironment,
  javaScriptEnvironment,
  tokenFileOf
} from '../../support/pod-clients.ts'
import { type PodService, SHOP, startPodService } from '../../support/pod-service.ts'
import { signedBy } from '../../support/pod-tokens.ts'
import { eventually } from '../../support/redis.ts'
import { startCluster, tokenOf } from '../../support/workload-cluster.ts'

const READ = { value: SHOP.values['Key00'] }

interface Program {
  readonly command: readonly string[]
  readonly environment: (
    t: Test,
    service: PodService,
    tokenFile: string
  ) => Readonly<Record<string, string>>
}

const python = (client: string): readonly string[] => [
  programOf('hvac') ?? '',
  'test/support/door-clients/pod_renewal.py',
  client
]
const BOTO3: Program = { command: python('boto3'), environment: boto3Environment }
const HVAC: Program = { command: python('hvac'), environment: hvacEnvironment }
const JAVA_SCRIPT: Program = {
  command: [process.execPath, 'build/test/support/door-clients/pod-js-renewal.js'],
  environment: javaScriptEnvironment
}

const isMissing = async (t: Test, client: PeerName): Promise<boolean> =>
  skipWithout(t, await isInstalled(client))

/** A program that reads once for each call, with the token that is in the file then. */
const startProgram = (
  t: Test,
  service: PodService,
  { command: [program = '', ...args], environment }: Program,
  tokenFile: string
) => {
  const child = spawn(program, [...args, `${SHOP.group}/Key00`], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], ...environment(t, service, tokenFile) }
  })
  t.teardown(() => child.kill('SIGKILL'))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (): Promise<unknown> => {
    child.stdin.write('\n')
    return JSON.parse((await answers.next()).value ?? '{"error":"it ended"}')
  }
}

type Host = Awaited<ReturnType<typeof startCluster>>

const setUp = async (t: Test, { cluster, tokenFile }: Host) => {
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

/** Seconds: long enough for a program to start with the token on a busy machine. */
const SHORT = 10

/** Until a key has ended whose token was made then, and was a short one. */
const over = async (since: number): Promise<void> =>
  eventually(() => Date.now() > since + SHORT * 1_000 + 1_000)

test('programs in a pod that run longer than their keys', { timeout: 480_000 }, async (suite) => {
  if (skipWithout(suite, await isClusterInstalled())) return
  const host = await startCluster(suite)
  const { cluster } = host

  suite.test(
    'boto3 logs in again by itself as its key nears its end, and goes on after that',
    async (t) => {
      if (await isMissing(t, 'aws-clients')) return
      const { service, lasting, logins, rotate } = await setUp(t, host)
      const file = tokenFileOf(t, await lasting(3_600))
      const read = startProgram(t, service, BOTO3, file)
      for (const _ of [1, 2, 3]) t.match(await read(), READ)
      t.same(await logins(), ['allowed'], 'a key of an hour is good for all of them')

      rotate(file, await lasting(840))
      const near = startProgram(t, service, BOTO3, file)
      t.match(await near(), READ)
      t.equal(
        (await logins()).length,
        3,
        'anew from 15 minutes before its end on, before each read'
      )
      rotate(file, await lasting(3_600))
      for (const _ of [1, 2, 3]) t.match(await near(), READ)
      t.equal((await logins()).length, 4, 'until it has a longer one')

      rotate(file, await lasting(840))
      const early = startProgram(t, service, BOTO3, file)
      t.match(await early(), READ)
      rotate(file, await tokenOf(cluster, { name: 'other' }))
      t.match(await early(), READ, 'with the key that is good still, whatever befalls the next one')

      const since = Date.now()
      rotate(file, await lasting(SHORT))
      const short = startProgram(t, service, BOTO3, file)
      t.match(await short(), READ)
      await over(since)
      t.match(await short(), { error: 'CredentialRetrievalError' }, 'key and token are over')
      rotate(file, await tokenOf(cluster))
      t.match(await short(), READ, 'and the next token is taken')
    }
  )

  suite.test(
    'the AWS SDK for JavaScript logs in again beside its reads as its key nears its end, and before them after it',
    async (t) => {
      const { service, lasting, logins, rotate } = await setUp(t, host)
      const file = tokenFileOf(t, await lasting(600))
      const read = startProgram(t, service, JAVA_SCRIPT, file)
      for (const _ of [1, 2, 3]) t.match(await read(), READ)
      t.equal((await logins()).length, 1, 'not ten minutes before')

      rotate(file, await lasting(240))
      const near = startProgram(t, service, JAVA_SCRIPT, file)
      t.match(await near(), READ)
      rotate(file, await tokenOf(cluster))
      const before = (await logins()).length
      await eventually(async () => {
        t.match(await near(), READ, 'with the key that is good still')
        return (await logins()).length > before
      })

      const since = Date.now()
      rotate(file, await lasting(SHORT))
      const short = startProgram(t, service, JAVA_SCRIPT, file)
      t.match(await short(), READ)
      rotate(file, await tokenOf(cluster))
      await over(since)
      t.match(await short(), READ)
    }
  )

  suite.test('a program with hvac logs in again when its key is over', async (t) => {
    if (await isMissing(t, 'hvac')) return
    const { service, lasting, logins, rotate } = await setUp(t, host)
    const since = Date.now()
    const file = tokenFileOf(t, await lasting(SHORT))
    const read = startProgram(t, service, HVAC, file)
    t.match(await read(), READ)
    t.match(await read(), READ)
    t.same(await logins(), ['allowed'])
    await over(since)
    t.match(await read(), { error: 'Forbidden' }, 'key and token are over')
    rotate(file, await tokenOf(cluster))
    t.match(await read(), READ)
    t.same(await logins(), ['allowed', 'denied', 'allowed'])
  })

  suite.test(
    'a login by hvac that comes before the API server answers waits for it by its retries',
    async (t) => {
      if (await isMissing(t, 'hvac')) return
      const { service, logins } = await setUp(t, host)
      const file = tokenFileOf(t, await tokenOf(cluster))
      process.kill(cluster.pid, 'SIGSTOP')
      t.teardown(() => process.kill(cluster.pid, 'SIGCONT'))
      const answer = startProgram(t, service, HVAC, file)()
      await service.says(/the keys of a trust's issuer cannot be had/)
      process.kill(cluster.pid, 'SIGCONT')
      t.match(await answer, READ)
      t.same(
        (await logins()).filter((outcome) => outcome === 'allowed'),
        ['allowed']
      )
    }
  )
})
