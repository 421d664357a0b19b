// Whose address a request has: X-Forwarded-For is believed of the listed proxies and of nobody else.
import { test } from 'tap'
import { addressOf } from '../../../src/http/addresses.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { openServer } from '../../support/open-server.ts'
import { frozen } from '../../support/stopwatch.ts'

interface Hop {
  readonly proxies?: string
  readonly from: string
  readonly forwarded?: string
  readonly address: string
}

const HOPS: Record<string, Hop> = {
  'nobody is believed where no proxy is listed': {
    from: '127.0.0.1',
    forwarded: '1.2.3.4',
    address: '127.0.0.1'
  },
  'a listed proxy is believed': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '1.2.3.4',
    address: '1.2.3.4'
  },
  'a caller beside the proxy is not believed': {
    proxies: '10.0.0.1',
    from: '127.0.0.1',
    forwarded: '1.2.3.4',
    address: '127.0.0.1'
  },
  'what the caller wrote before the proxy did is not believed': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '9.9.9.9, 1.2.3.4',
    address: '1.2.3.4'
  },
  'a chain of listed proxies is followed to its end': {
    proxies: '127.0.0.1,10.0.0.0/8',
    from: '127.0.0.1',
    forwarded: '9.9.9.9, 1.2.3.4, 10.1.2.3',
    address: '1.2.3.4'
  },
  'a chain is followed no further than it is listed': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '1.2.3.4, 10.1.2.3',
    address: '10.1.2.3'
  },
  'a port behind an address is taken off': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '203.0.113.7:51234',
    address: '203.0.113.7'
  },
  'a port behind an address in brackets is taken off': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '[2001:db8::1]:443',
    address: '2001:db8::1'
  },
  'brackets and quotes around an address are taken off': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '9.9.9.9,"[2001:db8::1]"',
    address: '2001:db8::1'
  },
  'an address without brackets keeps all its parts': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '2001:db8::443',
    address: '2001:db8::443'
  },
  'a listed proxy is known with its port, and the chain goes on': {
    proxies: '127.0.0.1,10.0.0.0/8,fd00::/8',
    from: '127.0.0.1',
    forwarded: '9.9.9.9:1, 1.2.3.4:2, 10.1.2.3:55, [fd00::7]:66',
    address: '1.2.3.4'
  },
  'garbage behind the last proxy is not looked past': {
    proxies: '127.0.0.1,10.0.0.0/8',
    from: '127.0.0.1',
    forwarded: '1.2.3.4, unknown, 10.1.2.3',
    address: '127.0.0.1'
  },
  'a name with a port counts as the proxy that passed it on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: 'host:80',
    address: '127.0.0.1'
  },
  'brackets around what is no address count as the proxy that passed them on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '[::zz]:1, "[12.3]"',
    address: '127.0.0.1'
  },
  'an address that is too large counts as the proxy that passed it on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '999.2.3.4:80',
    address: '127.0.0.1'
  },
  'an empty entry at the end counts as the proxy that passed it on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '10.1.0.1, ',
    address: '127.0.0.1'
  },
  'an empty entry behind the last proxy is not looked past': {
    proxies: '127.0.0.1,10.0.0.0/8',
    from: '127.0.0.1',
    forwarded: '1.2.3.4,,10.1.2.3',
    address: '127.0.0.1'
  },
  'an empty entry before the caller is nothing': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: ' ,1.2.3.4',
    address: '1.2.3.4'
  },
  'a header without an entry counts as the proxy that passed it on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: ' ',
    address: '127.0.0.1'
  },
  'what is no address counts as the proxy that passed it on': {
    proxies: '127.0.0.1',
    from: '127.0.0.1',
    forwarded: '{"a":1}',
    address: '127.0.0.1'
  }
}

for (const [what, { proxies, from, forwarded, address }] of Object.entries(HOPS)) {
  test(`${what}`, async (t) => {
    const server = await openServer(t, {
      trustProxy: proxies?.split(','),
      addRoutes: (routes) =>
        routes.get('/ip', { config: { auth: { kind: 'open' } } }, async (request) => ({
          ip: addressOf(request)
        }))
    })
    const headers = {
      ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
      'x-real-ip': '8.8.8.8',
      forwarded: 'for=8.8.8.8'
    }
    const answer = await server.inject({ url: '/ip', remoteAddress: from, headers })
    t.same(answer.json(), { ip: address })
  })
}

test('an address limit follows X-Forwarded-For from a listed proxy and from nobody else', async (t) => {
  const { app } = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\npolicies: []\n',
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_IP_MAX: '2', TRUST_PROXY: '10.0.0.1' },
    now: frozen
  })
  const ask = (remoteAddress: string, forwarded: string) =>
    app.server.inject({ url: '/x', remoteAddress, headers: { 'x-forwarded-for': forwarded } })
  for (const n of [1, 2, 3, 4]) {
    t.equal((await ask('10.0.0.1', `1.1.1.${n}`)).statusCode, 404, 'callers behind the proxy')
    t.equal((await ask('10.0.0.9', `1.1.1.${n}`)).statusCode, n <= 2 ? 404 : 429, 'a liar')
  }
})
