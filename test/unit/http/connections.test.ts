/** Which sockets are kept: the bounds by address, and who gives way. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'tap'
import {
  type Connection,
  type Connections,
  type ConnectionsOptions,
  createConnections
} from '../../../src/http/connections.ts'

let ports = 0
/** As much of a socket as is asked for. */
const socketFrom = (remoteAddress: string): Socket => {
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress,
    remotePort: ++ports,
    localAddress: '127.0.0.1',
    localPort: 1,
    destroyed: false,
    destroy: () => {
      socket.destroyed = true
      socket.emit('close')
    }
  })
  return socket as unknown as Socket
}

const create = (options: Partial<ConnectionsOptions> = {}): Connections =>
  createConnections({ max: 100, perAddress: 3, proxies: [], ...options })

const admit = (connections: Connections, address: string, count: number): Connection[] =>
  Array.from({ length: count }, () => {
    const connection = connections.admit(socketFrom(address))
    if (connection === undefined) throw new Error('no room')
    return connection
  })

const open = (all: readonly Connection[]): boolean[] => all.map(({ raw }) => !raw.destroyed)
const use = (all: readonly Connection[]): void => {
  for (const connection of all) connection.unanswered = 1
}

test('the oldest of an address that has proven nothing gives way to its next', async (t) => {
  const connections = create()
  const all = admit(connections, '192.0.2.1', 5)
  t.same(open(all), [false, false, true, true, true])
  t.same(open(admit(connections, '192.0.2.2', 3)), [true, true, true], 'another is not concerned')
})

test('the one that has asked for nothing the longest gives way, and none that waits for an answer', async (t) => {
  const connections = create()
  const all = admit(connections, '192.0.2.1', 3)
  if (all[0] !== undefined) connections.used(all[0])
  if (all[1] !== undefined) use([all[1]])
  admit(connections, '192.0.2.1', 1)
  t.same(open(all), [true, true, false])
  use(all)
  for (const connection of connections.all()) use([connection])
  const refused = socketFrom('192.0.2.1')
  t.equal(connections.admit(refused), undefined)
  t.ok(refused.destroyed)
})

test('an address is what limits take for one: both spellings of IPv4, and a /64', async (t) => {
  for (const [first, second, isOne] of [
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['::ffff:c000:201', '192.0.2.1', true],
    ['2001:db8::1', '2001:db8::ffff:1', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false]
  ] as const) {
    const connections = create({ perAddress: 1 })
    const [one] = admit(connections, first, 1)
    admit(connections, second, 1)
    t.equal(one?.raw.destroyed, isOne, `${first} and ${second}`)
  }
})

test('who has proven a key is not counted among those who have not, and has a share all the same', async (t) => {
  const connections = create({ max: 40 })
  const all = Array.from({ length: 35 }, () => {
    const [connection] = admit(connections, '192.0.2.1', 1)
    if (connection === undefined) throw new Error('no room')
    connections.prove(connection.raw)
    return connection
  })
  t.equal(open(all).filter(Boolean).length, 30, 'three quarters of all')
  t.equal(admit(connections, '192.0.2.2', 3).length, 3)
})

test('a proxy stands for many callers: it is bounded by the number of all alone', async (t) => {
  const proxies = ['192.0.2.1', '198.51.100.0/24', '2001:db8::/32']
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '198.51.100.7', '2001:db8:1::1']) {
    const connections = create({ max: 20, proxies })
    t.ok(open(admit(connections, address, 20)).every(Boolean), address)
  }
  const connections = create({ max: 20, proxies })
  t.same(open(admit(connections, '203.0.113.1', 4)), [false, true, true, true])
})

test('whoever shares a network with a proxy neither takes its sockets nor is counted with them', async (t) => {
  const connections = create({ proxies: ['2001:db8::7'] })
  const proxy = admit(connections, '2001:db8::7', 5)
  const neighbour = admit(connections, '2001:db8::8', 4)
  t.same(open(proxy), Array(5).fill(true))
  t.same(open(neighbour), [false, true, true, true])
})

test('where there is no room for anybody, whoever has asked for nothing the longest gives way', async (t) => {
  const connections = create({ max: 6 })
  const all = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].flatMap((address) =>
    admit(connections, address, 2)
  )
  admit(connections, '192.0.2.4', 1)
  t.same(open(all), [false, true, true, true, true, true])
})

test('a socket that has ended counts no more, and one whose peer has gone never did', async (t) => {
  const connections = create({ perAddress: 2 })
  for (const { raw } of admit(connections, '192.0.2.1', 2)) raw.destroy()
  t.same(open(admit(connections, '192.0.2.1', 2)), [true, true])
  const gone = Object.assign(socketFrom('192.0.2.1'), { remoteAddress: undefined })
  t.equal(connections.admit(gone), undefined)
  t.equal([...connections.all()].length, 2)
})

test('at the end what is idle is closed, what is under way is not, and nobody else comes in', async (t) => {
  const connections = create()
  const all = admit(connections, '192.0.2.1', 3)
  use(all.slice(0, 1))
  connections.close()
  t.same(open(all), [true, false, false])
  t.equal(connections.admit(socketFrom('192.0.2.2')), undefined)
})
