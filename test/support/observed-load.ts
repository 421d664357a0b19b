/**
 * A known load on two replicas: hits, misses, what the other replica has, refusals and failures of each kind, counted as
 * their caller saw them. Rule: a round has one of each, so that a series that begins in the first shows the rest as growth.
 */
import type { Test } from 'tap'
import { awsDialect } from '../kinds/aws/fake.ts'
import { randomSecret } from './keys.ts'
import { createConfigured, get, issueKey, runPurser, serve } from './purser-process.ts'
import { LASTING, type RedisServer, startRedis } from './redis.ts'
import { dumpOf } from './redis-dump.ts'
import { closedPort, openWire } from './wire.ts'

const yamlOf = (awsUrl: string, vaultPort: number): string => `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${awsUrl}', quota: { perSecond: 0.01, burst: 1000 } }
  - { name: vault, kind: vault, address: 'http://127.0.0.1:${vaultPort}', mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: VAULT_TOKEN } } }
policies: [{ client: app, read: ['local:team/*', 'aws:**', 'vault:**'] }]
`

export interface ObservedLoad {
  readonly redis: RedisServer
  readonly metricsToken: string
  /** Host and port. */
  readonly replicas: { readonly a: string; readonly b: string }
  /** How often each status was answered. */
  readonly rounds: (count: number) => Promise<ReadonlyMap<number, number>>
  /** Changes what stands in Redis for one secret, and reads it. */
  readonly tamper: () => Promise<void>
}

export const startObserved = async (t: Test): Promise<ObservedLoad> => {
  const redis = await startRedis(t, { args: LASTING })
  const aws = await openWire(t, awsDialect, { read: 'found', text: 'x' })
  const metricsToken = randomSecret()
  const { folder } = createConfigured(t, {
    yaml: yamlOf(aws.url, await closedPort()),
    variables: {
      REDIS_URL: redis.url,
      METRICS_TOKEN: metricsToken,
      VAULT_TOKEN: 'x',
      RATE_LIMIT_AUTH_FAILURES_MAX: '1'
    }
  })
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.loginUrl}/credentials` }
  const put = await runPurser(t, folder, ['store', 'put', 'local:team/db'], { input: 'x' })
  if (put.code !== 0) throw new Error(put.stderr)
  const key = await issueKey(folder)
  const a = await serve(t, folder, env)
  const b = await serve(t, folder, { ...env, DATA_DIR: 'data-b' })

  const ask = async (url: string, apiKey = key): Promise<number> => {
    const answer = await get(url, apiKey)
    await answer.text()
    return answer.status
  }
  const read = (url: string, ref: string, apiKey?: string) =>
    ask(`${url}/v1/secrets?ref=${ref}`, apiKey)
  let round = 0
  const rounds = async (count: number): Promise<ReadonlyMap<number, number>> => {
    const seen = new Map<number, number>()
    for (let n = 0; n < count; n++, round++) {
      for (const status of [
        await read(a.url, 'local:team/db'),
        await read(a.url, `aws:s-${round}`),
        await read(b.url, `aws:s-${round}`),
        await read(a.url, 'local:other/x'),
        await read(a.url, `vault:kv/v-${round}`),
        await read(a.url, 'local:team/db', 'nonsense'),
        await ask(`${a.url}/v1/nothing`)
      ]) {
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    }
    return seen
  }
  const tamper = async (): Promise<void> => {
    const client = redis.client()
    const before = new Set((await dumpOf(client)).map(({ key: name }) => name))
    await read(a.url, 'aws:tampered')
    for (const { key: name, type } of await dumpOf(client)) {
      if (!before.has(name) && type === 'string') await client.setrange(name, 20, 'tampered')
    }
    await read(b.url, 'aws:tampered')
  }
  // So that it is known as one in use when keys are counted first.
  await ask(`${a.url}/v1/whoami`)
  const [hostA, hostB] = [a, b].map(({ url }) => new URL(url).host) as [string, string]
  return { redis, metricsToken, replicas: { a: hostA, b: hostB }, rounds, tamper }
}
