/** The part of the contract that is about the way to the peer: an outgoing proxy, which is told a host and a port and no more. */
import { type Test, test } from 'tap'
import type { Locator } from '../../src/core/secret.ts'
import { createRoute } from '../../src/kinds/shared/proxy.ts'
import { canaryOf, everythingIn } from '../support/canary.ts'
import { openProxy, PROXY_PASSWORD, PROXY_USER } from '../support/connect-proxy.ts'
import { createDeps } from '../support/provider-deps.ts'
import { openWire } from '../support/wire.ts'
import { faultOf, type Subject, unwrapped, type WireFake, within, wrapped } from './subject.ts'

const HOST = 'store.example'

export const proxySuite = (kind: string, subject: Subject, fake: WireFake): void => {
  const locator: Locator = { path: subject.path('some/secret') }

  const open = async (t: Test, portFor?: (port: number) => number | undefined, status?: number) => {
    const text = wrapped(subject, 'through the proxy')
    const wire = await openWire(t, fake.dialect, { read: 'known CA', text }, HOST)
    const port = Number(new URL(wire.url).port)
    const proxy = await openProxy(t, () => (portFor ?? ((own) => own))(port), status)
    const deps = createDeps({}, { route: createRoute(proxy.address, () => undefined) })
    const provider = await fake.connect(t, wire, deps)
    t.teardown(() => provider.close())
    return { wire, proxy, provider, deps, target: `${HOST}:${port}` }
  }

  test(`${kind} behind an outgoing proxy`, async (suite) => {
    suite.test('the peer is reached by CONNECT alone, under its own certificate', async (t) => {
      const { wire, proxy, provider, target } = await open(t)
      const record = await provider.read(locator, within())
      t.equal(unwrapped(subject, record), 'through the proxy')
      await provider.check(within())
      t.ok(wire.reads.length >= 2)
      t.strictSame(new Set(proxy.asked), new Set([`CONNECT ${target}`]))
      const credentials = Buffer.from(`${PROXY_USER}:${PROXY_PASSWORD}`).toString('base64')
      t.strictSame(new Set(proxy.authorizations), new Set([`Basic ${credentials}`]))
      for (const { headers } of wire.reads) t.equal(headers['proxy-authorization'], undefined)
    })

    suite.test(
      'connections through it are used again, and end when the store is closed',
      async (t) => {
        const { wire, proxy, provider } = await open(t)
        await provider.read(locator, within())
        const { length } = proxy.asked
        await provider.read(locator, within())
        t.equal(proxy.asked.length, length)
        await provider.close()
        const patience = AbortSignal.timeout(2_000)
        while (!patience.aborted && (await wire.connections()) > 0) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        t.equal(await wire.connections(), 0)
      }
    )

    suite.test('whoever answers in the place of the peer is found out', async (t) => {
      const other = await openWire(t, fake.dialect, { read: 'unknown CA' }, HOST)
      const { provider } = await open(t, () => Number(new URL(other.url).port))
      t.equal((await faultOf(provider.read(locator, within()))).reason, 'misconfigured')
      t.strictSame([other.reads.length, other.logins.length], [0, 0])
    })

    for (const status of [403, 407, 502]) {
      suite.test(`a proxy that answers ${status} says nothing of a secret`, async (t) => {
        const { wire, provider, deps } = await open(t, () => undefined, status)
        const fault = await faultOf(provider.read(locator, within()))
        t.ok(['misconfigured', 'unavailable'].includes(fault.reason), fault.reason)
        t.equal(wire.reads.length, 0)
        const said = everythingIn(fault) + deps.lines.join('')
        t.strictSame(canaryOf(PROXY_PASSWORD).findIn(said), [])
      })
    }
  })
}
