import { test } from 'tap'
import { toClaims } from '../../../src/keys/claims.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

test('a key says what it may and for how long, and no member that it does not have', async (t) => {
  const { kid, issuedAt, ...said } = PRINCIPAL
  t.strictSame(toClaims(PRINCIPAL), { ...said, issuedAt: '1970-01-01T00:00:00.000Z' })
  const via = ['9d0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10']
  const networks = ['10.0.0.0/8']
  t.strictSame(toClaims({ ...PRINCIPAL, issuedAt: 1, expiresAt: 0, via, networks }), {
    ...said,
    issuedAt: '1970-01-01T00:00:01.000Z',
    expiresAt: '1970-01-01T00:00:00.000Z',
    via,
    networks
  })
})
