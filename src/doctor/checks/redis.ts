/** Checks of Redis, of what it says of itself (INFO) and of the rights of its user. */
import { hasSink } from '../../audit/sinks.ts'
import type { Settings } from '../../config/settings.ts'
import { redisLacks } from '../../config/warnings.ts'
import { isLoopback, mayBePrivate } from '../../core/network.ts'
import type { RedisLook } from '../../state/redis-look.ts'
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'

/** Where it answers, but not us. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  [
    'WRONGPASS',
    'Redis refuses the user or the password of REDIS_URL (WRONGPASS): correct it, or make the user, as docs/redis.md has it'
  ],
  [
    'NOAUTH',
    'Redis asks for a password and REDIS_URL has none (NOAUTH): write it as redis://<user>:<password>@<host>'
  ],
  [
    'NOPERM',
    'the user of REDIS_URL has no right to be there (NOPERM): give it those of docs/redis.md'
  ]
])

const ofLook =
  (look: (look: RedisLook) => readonly Finding[]) =>
  async ({ peers }: Installation): Promise<readonly Finding[]> =>
    look(await peers.redis())

/** Of each server that answered. */
const ofInfo = (
  what: string,
  find: (info: ReadonlyMap<string, string>, on: Installation) => readonly Finding[]
): NonNullable<Check['run']> => {
  return (on) =>
    ofLook(({ failure, infos }) => {
      if (failure !== undefined) return [untold(`${what}: Redis does not answer`)]
      if (infos.length === 0) return [untold(`${what}: its user needs the right +info`)]
      // A cluster's servers that are alike are one finding.
      const all = infos.flatMap((info) => find(info, on))
      return all.filter((one, at) => all.findIndex(({ message }) => message === one.message) === at)
    })(on)
}

const SUPPORTED = [6, 2] as const

const ofVersion = (info: ReadonlyMap<string, string>): readonly Finding[] => {
  const version = info.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldest, oldestMinor] = SUPPORTED
  const isOld = major < oldest || (major === oldest && minor < oldestMinor)
  return [
    ...when(
      isOld,
      fail(`Redis is older than ${oldest}.${oldestMinor}: take a version that is maintained`)
    ),
    ...when(
      info.get('role') === 'slave',
      fail('REDIS_URL leads to a replica, which takes no change: name its master, or Sentinel')
    )
  ]
}

const ofPersistence = (info: ReadonlyMap<string, string>): readonly Finding[] => [
  ...when(
    info.get('aof_enabled') === '0',
    failInEarnest(
      'Redis keeps no log of changes, so that a crash undoes revocations: set appendonly yes'
    )
  ),
  ...when(
    info.get('aof_last_write_status') === 'err' || info.get('aof_last_bgrewrite_status') === 'err',
    fail('Redis could not write its log of changes: look at its disk')
  ),
  ...when(
    info.get('rdb_last_bgsave_status') === 'err',
    fail('Redis could not save its last snapshot, and may refuse changes: look at its disk')
  )
]

const NEARLY_FULL = 0.9

const MIB = 1024 * 1024

/** Two processes fill half of it, and what ended in the last days has its records there too. */
const isMuchOfAudit = (
  most: number,
  { AUDIT_SINKS = [], AUDIT_REDIS_MB = 0 }: Partial<Settings>
): boolean => hasSink(AUDIT_SINKS, 'redis') && most > 0 && AUDIT_REDIS_MB * MIB > most / 4

const ofEviction = (
  info: ReadonlyMap<string, string>,
  { settings }: Installation
): readonly Finding[] => {
  const policy = info.get('maxmemory_policy')
  const most = Number(info.get('maxmemory') ?? 0)
  const used = Number(info.get('used_memory') ?? 0)
  return [
    ...when(
      policy !== undefined && policy !== 'noeviction',
      failInEarnest(
        'Redis forgets entries when it is full, revocations among them: set maxmemory-policy noeviction'
      )
    ),
    ...when(most === 0, warn('Redis has no maxmemory: it grows until the system ends it: set one')),
    ...when(
      isMuchOfAudit(most, settings),
      warn(
        "AUDIT_REDIS_MB, which each process takes, is more than a quarter of Redis' maxmemory: lower it, or raise maxmemory"
      )
    ),
    ...when(
      most > 0 && used > most * NEARLY_FULL,
      warn('Redis is nearly full, and then refuses changes: raise maxmemory')
    )
  ]
}

const SKEW_MS = { warn: 2_000, fail: 30_000 } as const

export const ofSkew = (whose: string, skewMs: number): readonly Finding[] => {
  const off = Math.abs(skewMs)
  if (off < SKEW_MS.warn) return []
  const message = `the clocks of this machine and ${whose} differ by ${Math.round(off / 1000)} s: keep both by NTP`
  return [off < SKEW_MS.fail ? warn(message) : fail(message)]
}

const ofPassword = (on: Installation): Promise<readonly Finding[]> =>
  ofLook(({ isOpenToAll }) => [
    ...when(
      redisLacks(on.settings.REDIS_URL).includes('password'),
      failInEarnest(
        'REDIS_URL has no password: give Redis one (requirepass, or a user with rights)'
      )
    ),
    ...when(
      on.settings.REDIS_URL?.password !== undefined && isOpenToAll === true,
      failInEarnest(
        'Redis answers without a password too: set requirepass, or switch the user default off'
      )
    )
  ])(on)

const ofEncryption = ({ settings: { REDIS_URL } }: Installation): readonly Finding[] => {
  if (!redisLacks(REDIS_URL).includes('TLS') || REDIS_URL?.kind === 'socket') return []
  const away = REDIS_URL?.nodes.filter(({ host }) => !isLoopback(host)) ?? []
  const message =
    'REDIS_URL is without TLS: whoever is on its network can read the password along: take rediss:, unless the network is closed'
  return [away.every(({ host }) => mayBePrivate(host)) ? warn(message) : failInEarnest(message)]
}

const checks: readonly Check[] = [
  {
    id: 'redis-reachable',
    title: 'Redis answers and takes the login',
    places: ['REDIS_URL', 'REDIS_KEY_PREFIX', 'REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'],
    run: ofLook(({ failure }) => {
      if (failure === undefined) return []
      return [
        fail(
          REFUSALS.get(failure) ??
            `Redis does not answer (${failure}): see that it runs and REDIS_URL leads to it`
        )
      ]
    })
  },
  { id: 'redis-password', title: 'Redis asks for a password or stands here', run: ofPassword },
  {
    id: 'redis-encrypted',
    title: 'the way to Redis is encrypted or stays here',
    run: ofEncryption
  },
  {
    id: 'redis-rights',
    title: "Redis' user has the rights that it needs, and no more",
    run: ofLook(({ failure, denied, mayAdminister }) => {
      if (failure !== undefined) return [untold("the rights of Redis' user: it does not answer")]
      return [
        ...when(
          denied.length > 0,
          fail(
            `Redis' user lacks rights: ${denied.map((one) => `+${one}`).join(' ')} (docs/redis.md has the whole list)`
          )
        ),
        ...when(
          mayAdminister,
          warn(
            "Redis' user may administer it: give Purser a user with the rights of docs/redis.md alone"
          )
        )
      ]
    })
  },
  {
    id: 'redis-persistence',
    title: 'Redis keeps what it accepted',
    run: ofInfo('whether Redis keeps what it accepted', ofPersistence)
  },
  {
    id: 'redis-eviction',
    title: 'a full Redis refuses rather than forgets',
    run: ofInfo('what a full Redis does', ofEviction)
  },
  {
    id: 'redis-version',
    title: 'Redis is new enough and takes changes',
    run: ofInfo('the version of Redis', ofVersion)
  },
  {
    id: 'redis-clock',
    title: 'the clock of Redis is that of this machine',
    run: ofLook(({ failure, skewMs }) =>
      failure !== undefined || skewMs === undefined
        ? [untold('what time it is at Redis')]
        : ofSkew('Redis', skewMs)
    )
  }
]

export const redisChecks: readonly Check[] = checks.map((check) => ({
  ...check,
  idle: ({ settings }) => (settings.REDIS_URL === undefined ? 'REDIS_URL is not set' : undefined)
}))
