// Whose address a request has: X-Forwarded-For is believed of the listed proxies and of nobody else.
import { test } from 'tap'
import { addressOf } from '../../src/http/caller.ts'
import { buildTestApp } from '../support/build-app.ts'
import { openServer } from '../support/open-server.ts'

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
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_IP_MAX: '2', TRUST_PROXY: '10.0.0.1' }
  })
  const ask = (remoteAddress: string, forwarded: string) =>
    app.server.inject({ url: '/x', remoteAddress, headers: { 'x-forwarded-for': forwarded } })
  for (const n of [1, 2, 3, 4]) {
    t.equal((await ask('10.0.0.1', `1.1.1.${n}`)).statusCode, 404, 'callers behind the proxy')
    t.equal((await ask('10.0.0.9', `1.1.1.${n}`)).statusCode, n <= 2 ? 404 : 429, 'a liar')
  }
})
