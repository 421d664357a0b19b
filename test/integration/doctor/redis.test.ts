/** Redis as doctor sees it: real servers, each of them bad in one way; and those of docs/redis.md and of the compose file. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { type Bad, examineBad, notOk, sentences, untoldIn } from '../../support/doctor.ts'
import { randomSecret } from '../../support/keys.ts'
import {
  type RedisServer,
  type RedisStart,
  skipWithoutRedis,
  startRedis
} from '../../support/redis.ts'
import { closedPort } from '../../support/wire.ts'

/** As docs/redis.md says. */
const GOOD = ['--appendonly', 'yes', '--maxmemory', '64mb', '--maxmemory-policy', 'noeviction']

const rights = (): string[] => {
  const [line = ''] = /^ACL SETUSER .*$/m.exec(readFileSync('docs/redis.md', 'utf8')) ?? []
  return line.split(' ').slice(1)
}

/** A server with a password, and a user with the documented rights. */
const startGood = async (t: Test, more: Partial<RedisStart> = {}) => {
  const password = randomSecret()
  const redis = await startRedis(t, { args: GOOD, password: randomSecret(), ...more })
  const user = rights().map((word) => word.replace('>PASSWORD', `>${password}`))
  t.equal(redis.cli('acl', ...user), 'OK')
  return { redis, url: `redis://purser:${password}@127.0.0.1:${redis.port}` }
}

/** Again where the machine was too busy for what is kept to be answered within its second. */
const examineOn = async (t: Test, url: string | undefined, bad: Bad, found: readonly string[]) => {
  for (let attempt = 0; ; attempt++) {
    const env = { ...(url !== undefined && { REDIS_URL: url }), ...bad.env }
    const examined = await examineBad(t, { ...bad, now: Date.now(), env })
    if (attempt === 3 || String(notOk(examined)) === String(found)) return examined
  }
}

test('a Redis as the documentation has it passes, and its user may ask for all that is looked at', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { redis, url } = await startGood(t)
  const examined = await examineOn(t, url, {}, [])
  t.strictSame(notOk(examined), [], sentences(examined))
  t.strictSame(untoldIn(examined), [], sentences(examined))
  t.match(redis.cli('keys', '*'), /^$|check:/, 'nothing is left but what ends by itself')
})

interface Case {
  readonly name: string
  readonly start?: Partial<RedisStart>
  readonly change?: (redis: RedisServer) => void
  readonly url?: (url: string, redis: RedisServer) => string
  readonly env?: Readonly<Record<string, string>>
  readonly found: readonly string[]
  readonly says: RegExp
}

/** As docs/redis.md says, for the sink of the audit trail. */
const STREAMS = ['+xadd', '+xtrim', '+xrange', '+xrevrange']

const CASES: readonly Case[] = [
  {
    name: 'a user without SUBSCRIBE',
    change: ({ cli }) => cli('acl', 'setuser', 'purser', '-subscribe'),
    found: ['redis-rights fail'],
    says: /lacks rights: \+subscribe /
  },
  {
    name: 'a user without SCAN',
    change: ({ cli }) => cli('acl', 'setuser', 'purser', '-scan'),
    // What is kept is gone through by it.
    found: ['redis-rights fail', 'state-readable fail'],
    says: /lacks rights: \+scan /
  },
  {
    name: 'a user who may do everything',
    change: ({ cli }) => cli('acl', 'setuser', 'purser', '+@all'),
    found: ['redis-rights warn'],
    says: /may administer it/
  },
  {
    name: 'a wrong password',
    url: (url) => url.replace(/purser:[^@]+/, `purser:${randomSecret()}`),
    found: ['redis-reachable fail', 'state-readable fail'],
    says: /refuses the user or the password of REDIS_URL \(WRONGPASS\)/
  },
  {
    // Then Redis answers the connection otherwise before it refuses the login.
    name: 'a user that is not there, where others need no password',
    change: ({ cli }) => {
      cli('config', 'set', 'requirepass', '')
      cli('acl', 'deluser', 'purser')
    },
    found: ['redis-reachable fail', 'state-readable fail'],
    says: /refuses the user or the password of REDIS_URL \(WRONGPASS\)/
  },
  {
    name: 'a login without a password',
    url: (url) => url.replace(/purser:[^@]+@/, ''),
    found: ['redis-reachable fail', 'state-readable fail'],
    says: /REDIS_URL has none \(NOAUTH\)/
  },
  {
    name: 'a server that asks for no password of others',
    change: ({ cli }) => cli('config', 'set', 'requirepass', ''),
    found: ['redis-password fail'],
    says: /answers without a password too/
  },
  {
    name: 'a server that keeps nothing',
    start: { args: ['--maxmemory', '64mb'] },
    found: ['redis-persistence fail'],
    says: /appendonly yes/
  },
  {
    name: 'a server that evicts',
    start: { args: [...GOOD, '--maxmemory-policy', 'allkeys-lru'] },
    found: ['redis-eviction fail'],
    says: /noeviction/
  },
  {
    name: 'a server without a bound',
    start: { args: ['--appendonly', 'yes'] },
    found: ['redis-eviction warn'],
    says: /has no maxmemory/
  },
  {
    name: 'a server that audit records would fill',
    change: ({ cli }) => cli('acl', 'setuser', 'purser', ...STREAMS),
    env: { AUDIT_SINKS: 'file!,redis', AUDIT_REDIS_MB: '32' },
    found: ['redis-eviction warn'],
    says: /AUDIT_REDIS_MB, which each process takes, is more than a quarter/
  },
  {
    name: 'a user who may not put audit records there',
    env: { AUDIT_SINKS: 'file!,redis', AUDIT_REDIS_MB: '1' },
    found: ['redis-rights fail'],
    says: /lacks rights: \+xadd \+xtrim \+xrange \+xrevrange/
  }
]

for (const { name, start, change, url: urlOf = (url: string) => url, env, found, says } of CASES) {
  test(`${name}: ${found[0]}`, async (t) => {
    if (await skipWithoutRedis(t)) return
    const { redis, url } = await startGood(t, start)
    change?.(redis)
    const examined = await examineOn(t, urlOf(url, redis), env ? { env } : {}, found)
    t.strictSame(notOk(examined), found, sentences(examined))
    t.match(sentences(examined), says)
  })
}

test('a Redis that is away is a failure, and all else of it cannot be told', async (t) => {
  const port = await closedPort()
  const found = ['redis-reachable fail', 'state-readable fail']
  const url = `redis://:${randomSecret()}@127.0.0.1:${port}`
  const examined = await examineOn(t, url, {}, found)
  t.strictSame(notOk(examined), found)
  t.match(sentences(examined), /Redis does not answer \(ECONNREFUSED\)/)
  t.match(untoldIn(examined).join(), /redis-rights,redis-persistence,redis-eviction,redis-version/)
})

interface Compose {
  readonly services: Readonly<Record<'purser' | 'redis', Readonly<Record<string, unknown>>>>
}

test("the compose file's installation passes, with proper secrets", async (t) => {
  if (await skipWithoutRedis(t)) return
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose
  const environment = services.purser['environment'] as Record<string, string>
  const [command = ''] = (services.redis['command'] as string[]).slice(-1)
  const [, words = ''] = /exec redis-server - --dir \/data (.*) <</.exec(command) ?? []
  // The helper sets `--save ""` itself.
  const args = words.replace('--save "" ', '').trim().split(' ')
  t.ok(args.includes('noeviction'))
  const password = randomSecret()
  const redis = await startRedis(t, {
    args,
    password
  })
  // What nobody can see from inside, and what docker-compose.yml itself says of its Redis.
  const found = ['bind warn', 'internal-listener warn', 'redis-rights warn']
  const bad: Bad = {
    machine: { isContainer: true },
    prepare: (folder) => {
      mkdirSync(join(folder, 'secrets'), { mode: 0o700 })
      const file = join(folder, 'secrets', 'redis_url')
      writeFileSync(file, `redis://:${password}@127.0.0.1:${redis.port}\n`)
      chmodSync(file, 0o644)
    },
    env: {
      ...environment,
      DATA_DIR: './data',
      CONFIG_FILE: './purser.yaml',
      REDIS_URL_FILE: './secrets/redis_url'
    }
  }
  const examined = await examineOn(t, undefined, bad, found)
  t.strictSame(notOk(examined), found, sentences(examined))
})
