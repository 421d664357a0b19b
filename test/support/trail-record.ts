/** A record of the trail with most of what one can have. */
import type { TrailRecord } from '../../src/audit/record.ts'

export const READ: TrailRecord = {
  time: '2026-03-01T12:00:00.000Z',
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  client: 'aos-app',
  keyId: '7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11',
  kid: 'abcdefgh',
  route: 'GET /v1/secrets',
  requestId: 'r1',
  address: '192.0.2.7',
  reference: 'aws:acme/db#password',
  version: '3',
  cache: 'HIT',
  instance: 'abcdefghijk',
  seq: 17,
  digest: 'D'
}
