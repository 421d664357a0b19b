/** What docker-compose.yml promises of both containers: the numbers are those of the CIS Docker benchmark. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'

type Key =
  | ('user' | 'cap_drop' | 'mem_limit' | 'pids_limit' | 'read_only' | 'tmpfs' | 'security_opt')
  | ('restart' | 'init' | 'logging' | 'networks' | 'secrets' | 'image' | 'build' | 'env_file')
  | ('environment' | 'ports' | 'depends_on' | 'stop_grace_period')
interface Service extends Readonly<Record<Key, unknown>> {
  readonly command: string[]
  readonly volumes: (string | { source: string })[]
  readonly healthcheck: { readonly test: string[] }
}
interface Compose {
  readonly services: { readonly purser: Service; readonly redis: Service }
  readonly secrets: unknown
  readonly volumes: object
  readonly networks: unknown
}

const text = readFileSync('docker-compose.yml', 'utf8')
const compose = parse(text, { merge: true }) as Compose
const { purser, redis } = compose.services
const command = redis.command.join('\n')

for (const [name, service] of Object.entries(compose.services)) {
  test(`${name} runs as a numeric user other than root (4.1)`, async (t) => {
    t.match(service.user, /^[1-9]\d*:[1-9]\d*$/)
  })

  test(`${name} has no capability (5.3)`, async (t) => {
    t.strictSame(service.cap_drop, ['ALL'])
    t.notOk('cap_add' in service)
  })

  test(`${name} is not privileged and shares nothing of the host (5.4, 5.5, 5.9, 5.15 to 5.17)`, async (t) => {
    const shared = ['privileged', 'network_mode', 'pid', 'ipc', 'userns_mode', 'devices', 'cgroup']
    t.strictSame(
      shared.filter((key) => key in service),
      []
    )
    const sources = service.volumes.map((volume) =>
      typeof volume === 'string' ? volume.split(':')[0] : volume.source
    )
    t.strictSame(
      sources.filter((source) => source !== `${name}-data`),
      name === 'purser' ? ['./purser.yaml'] : []
    )
  })

  test(`${name} has bounds of memory and processes (5.10, 5.28)`, async (t) => {
    t.match(service.mem_limit, /^\d+m$/)
    t.type(service.pids_limit, 'number')
  })

  test(`${name} has a read-only root, and a /tmp of bounded size where nothing runs (5.12)`, async (t) => {
    t.equal(service.read_only, true)
    t.strictSame(service.tmpfs, ['/tmp:size=16m,mode=1777,noexec,nosuid,nodev'])
  })

  test(`${name} can gain no privilege (5.25)`, async (t) => {
    t.strictSame(service.security_opt, ['no-new-privileges:true'])
  })

  test(`${name} is started again, under an init, and its log cannot fill the disk`, async (t) => {
    t.equal(service.restart, 'unless-stopped')
    t.equal(service.init, true)
    t.strictSame(service.logging, { driver: 'local' })
  })

  test(`${name} keeps its data in a named volume`, async (t) => {
    t.ok(service.volumes.includes(`${name}-data:/data`))
    t.ok(`${name}-data` in compose.volumes)
  })

  test(`${name} is asked for its health, within a time (5.26)`, async (t) => {
    t.match(service.healthcheck, { interval: /^\d+s$/, timeout: /^\d+s$/, retries: Number })
  })
}

test('Purser alone is published, and on 127.0.0.1 alone (5.13)', async (t) => {
  t.strictSame(purser.ports, ['127.0.0.1:8700:8700'])
  t.notOk('ports' in redis)
})

test('Redis stands on a network of its own that leads nowhere', async (t) => {
  t.strictSame(redis.networks, ['redis'])
  t.strictSame(purser.networks, ['edge', 'redis'])
  t.strictSame(compose.networks, { edge: null, redis: { internal: true } })
})

test('Purser runs as the user of its image and waits for a healthy Redis', async (t) => {
  t.equal(purser.user, '65532:65532')
  t.strictSame(purser.depends_on, { redis: { condition: 'service_healthy' } })
})

test('Purser has more time to stop than it takes', async (t) => {
  t.equal(purser.stop_grace_period, '15s')
})

test('the settings come from .env, what is fixed inside the container stands above it', async (t) => {
  t.equal(purser.env_file, '.env')
  t.strictSame(purser.environment, {
    HOST: '0.0.0.0',
    PORT: '8700',
    DATA_DIR: '/data',
    CONFIG_FILE: '/etc/purser/purser.yaml',
    REDIS_URL_FILE: '/run/secrets/redis_url'
  })
})

test('purser.yaml is mounted read-only, and a missing one is an error, not a new folder', async (t) => {
  const mounts = purser.volumes.filter((volume) => typeof volume === 'object')
  t.strictSame(mounts, [
    {
      type: 'bind',
      source: './purser.yaml',
      target: '/etc/purser/purser.yaml',
      read_only: true,
      bind: { create_host_path: false }
    }
  ])
})

test("Purser's health check is the one of the image", async (t) => {
  const [, inImage = ''] =
    /HEALTHCHECK [^[]*(\[.*\])/.exec(readFileSync('Dockerfile', 'utf8')) ?? []
  const inCompose = purser.healthcheck.test.map((part) => part.replaceAll('$$', '$'))
  t.strictSame(inCompose, ['CMD', ...(JSON.parse(inImage) as string[])])
})

test("Redis's password is a secret of both, never a default, an argument or a variable of the container", async (t) => {
  t.strictSame(compose.secrets, { redis_url: { file: './secrets/redis_url' } })
  t.strictSame(purser.secrets, ['redis_url'])
  t.strictSame(redis.secrets, ['redis_url'])
  t.notOk('environment' in redis || 'env_file' in redis)
  // Fed on standard input; the shell refuses to start a Redis without one.
  t.match(command, /exec redis-server - .* <<END\nrequirepass "\$\$\{password:\?[^}]+\}"\nEND\n/)
  t.notMatch(command, /--requirepass/)
  t.match(redis.healthcheck.test[1], /REDISCLI_AUTH=\$\$\{password%@\*\} redis-cli ping/)
  t.notMatch(redis.healthcheck.test[1], /redis-cli .*(-a|-u|--pass)\b/)
})

test('Redis is started with the password of the secret, and not at all without one', async (t) => {
  const start = (url: string): string => {
    const folder = t.testdir({ url, 'redis-server': '#!/bin/sh\necho "$@"; cat\n' })
    chmodSync(`${folder}/redis-server`, 0o755)
    const [shell = '', ...args] = redis.command.map((part) =>
      part.replaceAll('$$', '$').replace('/run/secrets/redis_url', `${folder}/url`)
    )
    const env = { PATH: `${folder}:${process.env['PATH']}` }
    return spawnSync(shell, args, { env, encoding: 'utf8' }).stdout
  }
  t.match(start('redis://:s3cret@redis:6379\n'), /^- --dir .*\nrequirepass "s3cret"\n$/)
  t.equal(start('redis://:@redis:6379\n'), '')
})

test('Redis keeps what it accepted, and when full refuses a write rather than forget', async (t) => {
  t.match(command, '--appendonly yes')
  t.match(command, '--maxmemory-policy noeviction')
})

test('every image is of an exact version, but the one that is built here', async (t) => {
  t.match(redis.image, /^docker\.io\/library\/redis:\d+\.\d+\.\d+-trixie$/)
  t.equal(purser.build, '.')
})
