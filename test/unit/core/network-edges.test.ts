/** The edges of networks: which hosts may be private, what is this machine, and how an address may be written. */
import { test } from 'tap'
import { isLoopback, mayBePrivate, parseNetwork } from '../../../src/core/network.ts'

test('this machine is localhost, 127.0.0.0/8 and ::1, and nothing that contains them', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    t.ok(isLoopback(host), host)
  for (const host of ['a::1', '[::1]x', '::1.example.com', '127.example.com', '128.0.0.1', '']) {
    t.notOk(isLoopback(host), host)
  }
})

test('each private network is one, from its first address to its last, and its neighbours are not', async (t) => {
  for (const host of [
    ...[
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.0',
      '192.168.255.255'
    ],
    ...['169.254.0.1', '127.0.0.1', '::1', '[::1]', 'fc00::1', '[fd00::1]', 'fe80::1', '[febf::1]']
  ]) {
    t.ok(mayBePrivate(host), host)
  }
  for (const host of [
    ...[
      '9.255.255.255',
      '11.0.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0'
    ],
    ...[
      '169.253.0.1',
      '169.255.0.1',
      '126.0.0.1',
      '128.0.0.1',
      '[::2]',
      '[2001:db8::1]',
      '[fec0::1]'
    ]
  ]) {
    t.notOk(mayBePrivate(host), host)
  }
})

test('a name that no public zone has may be private', async (t) => {
  for (const host of [
    'vault',
    'vault.internal',
    'v.svc',
    'v.default.svc.cluster.local',
    'v.svc.acme.net',
    'A.LAN'
  ]) {
    t.ok(mayBePrivate(host), host)
  }
  for (const host of [
    'vault.example.com',
    'internal.acme.com',
    'a.localx.com',
    'a.svc.acme_net',
    'svc.acme.com'
  ]) {
    t.notOk(mayBePrivate(host), host)
  }
})

test('a prefix is a number up to the bits of the address, and nothing besides', async (t) => {
  for (const text of ['1.2.3.4/32', '::1/128', '0.0.0.0/0', '1.2.3.4/8'])
    t.ok(parseNetwork(text), text)
  for (const text of [
    '1.2.3.4/33',
    '::1/129',
    '1.2.3.4/x8',
    '1.2.3.4/8x',
    '1.2.3.4/0008',
    '1.2.3.4/',
    '1.2.3.4/8/8'
  ]) {
    t.equal(parseNetwork(text), undefined, text)
  }
})

test('an IPv4 address at the end of an IPv6 one is its last 32 bits', async (t) => {
  t.strictSame(parseNetwork('::ffff:1.2.3.4'), parseNetwork('::ffff:102:304'))
  t.strictSame(parseNetwork('64:ff9b::1.2.3.4/128'), parseNetwork('64:ff9b::102:304/128'))
  t.strictSame(parseNetwork('::0.0.0.10'), parseNetwork('::a'))
  t.strictSame(parseNetwork('1:2:3:4:5:6:7:8'), parseNetwork('1:2:3:4:5:6:0.7.0.8'))
  t.strictSame(parseNetwork('1::8'), parseNetwork('1:0:0:0:0:0:0:8'))
})
