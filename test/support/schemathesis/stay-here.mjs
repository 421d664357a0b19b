/** For `--import`: no name of the network is found, so that nothing leaves this machine. */
import dns from 'node:dns'
import { isIP } from 'node:net'

const { lookup } = dns
dns.lookup = (name, options, done = options) => {
  if (isIP(name) > 0) return lookup(name, options, done)
  process.nextTick(done, Object.assign(new Error(`not looked up: ${name}`), { code: 'ENOTFOUND' }))
}
