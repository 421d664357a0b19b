/** Which way leads to a host, and what a proxy is written like. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createRoute, faultOfProxy, shownProxy } from '../../../src/kinds/shared/proxy.ts'

const FIXED = 'http://proxy.example:3128'
const none = () => undefined
const environ = (variables: Readonly<Record<string, string>>) => (name: string) => variables[name]

test('this machine, metadata services and the cluster are never asked for through a proxy', (t) => {
  const hosts = [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '::ffff:169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '[fd00:ec2::254]',
    '[FD00:EC2:0:0:0:0:0:254]',
    '100.100.100.200',
    '168.63.129.16',
    'metadata.google.internal',
    'Metadata.Google.Internal.',
    'instance-data.ec2.internal',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'vault.vault.svc',
    'kubernetes.default',
    '10.96.0.1'
  ]
  const cluster = { KUBERNETES_SERVICE_HOST: '10.96.0.1', HTTPS_PROXY: FIXED, HTTP_PROXY: FIXED }
  for (const setting of [FIXED, 'environment']) {
    const route = createRoute(setting, environ(cluster))
    for (const host of hosts) t.equal(route(host, 443, true), undefined, `${setting} ${host}`)
    for (const host of [
      'vault.example',
      '10.0.0.7',
      '128.0.0.1',
      'notlocalhost',
      'mysvc',
      '2001:db8::1'
    ]) {
      t.match(route(host, 443, true), { host: 'proxy.example', port: 3128 }, `${setting} ${host}`)
    }
  }
  t.end()
})

test('without a setting nothing of the environment counts', (t) => {
  const route = createRoute(undefined, environ({ HTTPS_PROXY: FIXED, ALL_PROXY: FIXED }))
  t.equal(route('vault.example', 443, true), undefined)
  t.end()
})

test('the environment names proxies as curl takes them', (t) => {
  const at = (host: string) => `http://${host}:1`
  const to = (variables: Readonly<Record<string, string>>, isTls = true) =>
    createRoute('environment', environ(variables))('vault.example', 8200, isTls)?.host
  t.equal(to({ HTTPS_PROXY: at('a') }), 'a')
  t.equal(to({ https_proxy: at('b'), HTTPS_PROXY: at('a') }), 'b')
  t.equal(to({ HTTP_PROXY: at('a') }), undefined, 'of http: alone')
  t.equal(to({ HTTP_PROXY: at('a') }, false), 'a')
  t.equal(to({ ALL_PROXY: at('c') }), 'c')
  t.equal(to({ HTTPS_PROXY: '', ALL_PROXY: at('c') }), 'c')
  t.equal(to({}), undefined)
  t.throws(
    () => to({ HTTPS_PROXY: 'socks5://user:secret@a' }),
    new ProviderFault('misconfigured', { code: 'proxy' })
  )
  t.end()
})

test('NO_PROXY exempts hosts, domains, networks and ports', (t) => {
  const cases: readonly (readonly [list: string, host: string, port: number, exempt: boolean])[] = [
    ['*', 'vault.example', 443, true],
    ['vault.example', 'vault.example', 443, true],
    ['VAULT.example', 'vault.EXAMPLE', 443, true],
    ['example', 'vault.example', 443, true],
    ['.example', 'vault.example', 443, true],
    ['*.example', 'vault.example', 443, true],
    ['ample', 'vault.example', 443, false],
    ['vault.example:8200', 'vault.example', 8200, true],
    ['vault.example:8200', 'vault.example', 443, false],
    ['a, b vault.example', 'vault.example', 443, true],
    ['10.0.0.0/8', '10.1.2.3', 443, true],
    ['10.0.0.0/8', '11.1.2.3', 443, false],
    ['10.0.0.0/99', '10.1.2.3', 443, false],
    ['10.1.2.3', '10.1.2.3', 443, true],
    ['2001:db8::/32', '2001:db8::1', 443, true],
    ['2001:db8::1', '[2001:db8::1]', 443, true],
    ['2.3', '10.1.2.3', 443, false],
    ['', 'vault.example', 443, false]
  ]
  for (const [list, host, port, exempt] of cases) {
    const route = createRoute('environment', environ({ HTTPS_PROXY: FIXED, NO_PROXY: list }))
    t.equal(route(host, port, true) === undefined, exempt, `${list} ${host}:${port}`)
  }
  const route = createRoute(FIXED, environ({ NO_PROXY: '*' }))
  t.match(route('vault.example', 443, true), { port: 3128 }, 'only of `environment`')
  t.end()
})

test('a proxy is written as http://host:port, and what is wrong with it is told without quoting it', (t) => {
  for (const good of [
    FIXED,
    'http://u:p%40ss@proxy.example:1',
    'http://[2001:db8::1]:3128/',
    'environment'
  ]) {
    t.equal(faultOfProxy(good), undefined, good)
  }
  for (const bad of [
    'https://user:hidden@proxy.example',
    'socks5://user:hidden@proxy.example',
    'proxy.example:3128',
    'user:hidden@proxy.example:3128',
    'http://user:hidden@proxy.example/path',
    'http://user:hidden@proxy.example?x',
    'http://user:hidden%@proxy.example',
    'http://',
    'Environment',
    ''
  ]) {
    t.match(faultOfProxy(bad), /^(must|has)/, bad)
    t.notMatch(faultOfProxy(bad), 'hidden')
  }
  t.equal(shownProxy('http://user:hidden@proxy.example:3128'), FIXED)
  t.equal(shownProxy('http://proxy.example'), 'http://proxy.example:80')
  t.equal(shownProxy('environment'), 'environment')
  t.equal(
    createRoute('http://u:p%3Aw@p.example', none)('a.example', 1, true)?.authorization,
    `Basic ${Buffer.from('u:p:w').toString('base64')}`
  )
  t.end()
})
