import { test } from 'tap'
import { parseRedisKeyPrefix, parseRedisUrl } from '../../../src/state/redis-url.ts'
import { createCanary } from '../../support/canary.ts'

test('the forms of REDIS_URL', (t) => {
  const tls = false
  const node = (host: string, port = 6379) => ({ host, port })
  const forms: readonly (readonly [string, unknown])[] = [
    ['redis://cache', { kind: 'single', tls, nodes: [node('cache')], db: 0 }],
    ['redis://cache/', { kind: 'single', tls, nodes: [node('cache')], db: 0 }],
    ['redis://[::1]:7000/3', { kind: 'single', tls, nodes: [node('::1', 7000)], db: 3 }],
    [
      'rediss://app:p%40ss%3Aw@10.0.0.1:1',
      {
        kind: 'single',
        tls: true,
        username: 'app',
        password: 'p@ss:w',
        nodes: [node('10.0.0.1', 1)],
        db: 0
      }
    ],
    ['redis://:a:b@cache', { kind: 'single', tls, password: 'a:b', nodes: [node('cache')], db: 0 }],
    [
      'redis+sentinel://u:p@s1,s2:26380/main/2?sentinelPassword=q%3D',
      {
        kind: 'sentinel',
        tls,
        username: 'u',
        password: 'p',
        nodes: [node('s1', 26_379), node('s2', 26_380)],
        master: 'main',
        db: 2,
        sentinelPassword: 'q='
      }
    ],
    [
      'rediss+sentinel://s1/main',
      { kind: 'sentinel', tls: true, nodes: [node('s1', 26_379)], master: 'main', db: 0 }
    ],
    [
      'rediss+cluster://:p@n1:7001,n2',
      { kind: 'cluster', tls: true, password: 'p', nodes: [node('n1', 7001), node('n2')] }
    ],
    ['unix:///run/redis.sock', { kind: 'socket', path: '/run/redis.sock', db: 0 }],
    [
      'redis+unix://u:p%40@/run/a%20b%3F.sock?db=3',
      { kind: 'socket', username: 'u', password: 'p@', path: '/run/a b?.sock', db: 3 }
    ]
  ]
  for (const [url, expected] of forms) t.strictSame(parseRedisUrl(url), expected, url)
  t.end()
})

test('what is not understood is refused with a sentence that quotes nothing', (t) => {
  const { token, findIn } = createCanary()
  const secret = encodeURIComponent(token)
  const refused = [
    '',
    'cache:6379',
    'http://cache',
    'redis://',
    'redis:///0',
    'unix://',
    'unix:///',
    'unix://run/redis.sock',
    'unix:/run/redis.sock',
    'unix:///run/redis.sock?db=x',
    'unix:///run/redis.sock?db=1&db=2',
    'unix:///run/redis.sock?password=x',
    'unix:///run/%00',
    'unix:///run/%zz',
    `unix:///${'x'.repeat(107)}`,
    'rediss+unix:///run/redis.sock',
    'redis://:@cache',
    'redis://user@cache',
    `redis://${secret}@cache`,
    `redis://:${secret}%@cache`,
    `redis://:${token}@cache`,
    `redis://:${secret}@cache/${secret}`,
    `redis://:${secret}@cache:99999`,
    `redis://:${secret}@cache:0`,
    `redis://:${secret}@a,b`,
    `redis://:${secret}@cache#x`,
    `redis://:${secret}@cache?db=1`,
    `redis://:${secret}@cache/12345`,
    `redis://:${secret}@-cache`,
    `redis://:${secret}@[cache]`,
    `redis+sentinel://:${secret}@s1`,
    `redis+sentinel://:${secret}@s1/main/0/1`,
    `redis+sentinel://:${secret}@s1/ma%20in`,
    `redis+sentinel://s1/main?password=${secret}`,
    `redis+sentinel://s1/main?sentinelPassword=`,
    `redis+sentinel://s1/main?sentinelPassword=${secret}&tls=no`,
    `redis+cluster://:${secret}@n1/1`,
    `redis+cluster://:${secret}@n1,,n2`,
    `redis+unix://${secret}`
  ]
  for (const url of refused) {
    try {
      parseRedisUrl(url)
      t.fail(`taken: ${url}`)
    } catch (error) {
      const { message } = error as Error
      t.match(message, /^(must|may|has) /)
      t.strictSame(findIn(message), [])
    }
  }
  t.end()
})

test('a prefix has no braces, spaces or other characters that mean something', (t) => {
  t.equal(parseRedisKeyPrefix('purser:'), 'purser:')
  for (const text of ['', 'a b', '{x}', 'é', 'x'.repeat(65), 'a*']) {
    t.throws(() => parseRedisKeyPrefix(text), /^must have/)
  }
  t.end()
})
