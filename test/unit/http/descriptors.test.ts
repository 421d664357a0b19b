/** How many sockets callers may have together: what the system gives, less what the service itself needs. */
import { test } from 'tap'
import { connectionsMax } from '../../../src/http/descriptors.ts'

const limits = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             95951                95951                processes ',
    `Max open files            ${soft.padEnd(20)} 1048576              files     `
  ].join('\n')

test('three eighths of the descriptors, and 48 at least, are left to stores, Redis and files', async (t) => {
  t.equal(connectionsMax(limits('256')), 160)
  t.equal(connectionsMax(limits('1024')), 640)
  t.equal(connectionsMax(limits('64')), 16)
  t.equal(connectionsMax(limits('16')), 8, 'a few are served in any case')
})

test('there are never more than 10,000, also where the system has no limit or does not tell', async (t) => {
  t.equal(connectionsMax(limits('1048576')), 10_000)
  t.equal(connectionsMax(limits('unlimited')), 10_000)
  t.equal(connectionsMax(''), 10_000)
})
