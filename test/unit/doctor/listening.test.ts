/** Who listens where, as /proc/net/tcp and tcp6 write it. */
import { test } from 'tap'
import { listeningOn } from '../../../src/doctor/listening.ts'

const machine = (texts: Readonly<Record<string, string>>) => ({
  text: (path: string) => texts[path]
})

test('addresses are read in the order of their bytes, and IPv4 within IPv6 as IPv4', (t) => {
  const found = listeningOn(
    machine({
      '/proc/net/tcp': `  sl  local_address rem_address   st
   0: 0100007F:21FC 00000000:0000 0A 00000000:00000000
   1: 00000000:0050 00000000:0000 0A 00000000:00000000
   2: 0200000A:0051 0100000A:1F90 01 00000000:00000000
`,
      '/proc/net/tcp6': `   0: 00000000000000000000000001000000:21FD 0:0 0A 0
   1: 00000000000000000000000000000000:21FE 0:0 0A 0
   2: 0000000000000000FFFF00000100007F:21FF 0:0 0A 0
`
    })
  )
  t.same(found, [
    { address: '127.0.0.1', port: 8700 },
    { address: '0.0.0.0', port: 80 },
    { address: '::1', port: 8701 },
    { address: '::', port: 8702 },
    { address: '127.0.0.1', port: 8703 }
  ])
  t.end()
})

test('a system without these files does not tell', (t) => {
  t.equal(listeningOn(machine({})), undefined)
  t.same(listeningOn(machine({ '/proc/net/tcp': '' })), [])
  t.end()
})
