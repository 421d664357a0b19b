import { test } from 'tap'
import { settingOf } from '../../../src/config/settings.ts'
import { isLoopback, mayBePrivate, parseNetwork } from '../../../src/core/network.ts'

const trust = (text: string): unknown => settingOf('TRUST_PROXY').parse(text)

test('TRUST_PROXY may not cover everybody, however the networks are cut', async (t) => {
  const cut = (start: number, bits: number): string[] =>
    Array.from(
      { length: 2 ** bits - start },
      (_, i) => `${(i + start) * 2 ** (8 - bits)}.0.0.0/${bits}`
    )
  for (const networks of [
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1,128.0.0.0/1',
    '128.0.0.0/1',
    '192.0.2.1/4',
    '::/1,8000::/1',
    '2000::/3',
    '::ffff:0.0.0.0/96',
    '::ffff:0:0/97,::ffff:128.0.0.0/97',
    '::/80',
    '::/8',
    cut(1, 6).join(),
    cut(3, 8).reverse().join()
  ]) {
    t.throws(() => trust(networks), { message: /nearly every one/ }, networks)
  }
})

test('TRUST_PROXY takes the networks that proxies have', async (t) => {
  for (const networks of [
    '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.1,::1,fc00::/7,fe80::/10',
    '::ffff:10.0.0.1',
    '173.245.48.0/20,104.16.0.0/13,2400:cb00::/32',
    '1::2:3/64',
    Array(100).fill('10.0.0.0/8').join()
  ]) {
    t.strictSame(trust(networks), networks.split(','), networks)
  }
  for (const wrong of [
    '1.2.3.4/33',
    '::1/129',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '1.2.3',
    'a',
    '1.2.3.4/x'
  ]) {
    t.throws(() => trust(wrong), { message: /must list IP addresses/ }, wrong)
  }
})

test('a network is the addresses that its prefix says', async (t) => {
  const size = (text: string): bigint | undefined => {
    const range = parseNetwork(text)
    return range && range.end - range.start
  }
  t.equal(size('10.1.2.3'), 1n)
  t.equal(size('10.1.2.3/8'), 1n << 24n)
  t.equal(size('::/0'), 1n << 128n)
  t.strictSame(parseNetwork('10.1.2.3/8'), parseNetwork('10.0.0.0/8'))
  t.strictSame(parseNetwork('::ffff:1.2.3.4'), parseNetwork('1.2.3.4'))
  t.strictSame(parseNetwork('::ffff:102:304'), parseNetwork('1.2.3.4'))
  t.strictSame(parseNetwork('2001:db8::/32'), parseNetwork('2001:db8:0:0:0:0:0:1/32'))
})

test('a host is of this machine, possibly of a closed network, or public', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    t.ok(isLoopback(host), host)
  for (const host of ['127.example', '127.0.0.1.example', '::2', '0.0.0.0'])
    t.notOk(isLoopback(host), host)
  for (const host of [
    'redis',
    'redis.internal',
    'redis.shop.svc',
    'redis.shop.svc.cluster.local',
    '10.1.1.1',
    '172.31.0.1',
    '100.64.0.1',
    'fd00::1',
    '[fd00::1]',
    '::ffff:10.0.0.1'
  ]) {
    t.ok(mayBePrivate(host), host)
  }
  for (const host of [
    'my.abc123.euw1.cache.amazonaws.com',
    'x.redis.cache.windows.net',
    '8.8.8.8',
    '172.32.0.1',
    '2001:4860::1',
    'svc.com'
  ]) {
    t.notOk(mayBePrivate(host), host)
  }
})
