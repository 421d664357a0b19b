/** What a change of `trusts:` lets in or gives, and what it takes. */
import { test } from 'tap'
import type { Trust } from '../../../src/keys/trust.ts'
import { diffTrusts } from '../../../src/keys/trust-diff.ts'

const TRUST: Trust = {
  name: 'prod-cluster',
  kind: 'service-account',
  issuer: 'https://oidc.example',
  audience: 'purser',
  keys: { from: 'discovery' },
  algorithms: ['RS256'],
  bind: [{ claim: ['kubernetes.io', 'namespace'], values: ['shop', 'bank'] }],
  grant: { client: 'shop', scopes: ['aura-services:secrets'], mode: 'r', ttlSeconds: 900 }
}
const { grant, bind } = TRUST
const REVIEW = { url: 'https://api.example', tokenFile: 'own' }

/** `lost`, `gained`: what is told, as `what value`. */
const CASES: readonly (readonly [string, Partial<Trust>, readonly string[], readonly string[]])[] =
  [
    [
      'another issuer',
      { issuer: 'https://b.example' },
      ['issuer https://oidc.example'],
      ['issuer https://b.example']
    ],
    ['another audience', { audience: 'b' }, ['audience purser'], ['audience b']],
    ['keys from elsewhere', { keys: { from: 'file', file: 'k' } }, ['jwks discovery'], ['jwks k']],
    ['authorities of its own', { caFile: 'ca' }, ['caFile public authorities'], ['caFile ca']],
    ['one more algorithm', { algorithms: ['RS256', 'ES256'] }, [], ['algorithms ES256']],
    ['the API server is asked', { review: REVIEW }, ['check tokenReview https://api.example'], []],
    [
      'another client',
      { grant: { ...grant, client: 'b' } },
      ['grant.client shop'],
      ['grant.client b']
    ],
    [
      'a scope above',
      { grant: { ...grant, scopes: ['aura-services'] } },
      [],
      ['grant.scopes aura-services']
    ],
    [
      'a scope below beside the one above it',
      { grant: { ...grant, scopes: ['aura-services:secrets', 'aura-services:secrets:a'] } },
      [],
      []
    ],
    [
      'narrower scopes',
      { grant: { ...grant, scopes: ['aura-services:secrets:a'] } },
      ['grant.scopes aura-services:secrets'],
      []
    ],
    ['it may write', { grant: { ...grant, mode: 'rw' } }, [], ['grant.mode w']],
    [
      'a longer life',
      { grant: { ...grant, ttlSeconds: 3600 } },
      [],
      ['grant.ttlSeconds 3600 (was 900)']
    ],
    [
      'a shorter life',
      { grant: { ...grant, ttlSeconds: 60 } },
      ['grant.ttlSeconds 60 (was 900)'],
      []
    ],
    ['tokens of an hour', { maxTokenAgeSeconds: 3600 }, ['maxTokenAgeSeconds 3600 (was none)'], []],
    [
      'another namespace',
      { bind: [{ claim: ['kubernetes.io', 'namespace'], values: ['shop', 'eve'] }] },
      ['bind kubernetes.io/namespace=bank'],
      ['bind kubernetes.io/namespace=eve']
    ],
    [
      'one more claim',
      { bind: [...bind, { claim: ['sub'], values: ['a'] }] },
      ['bind whatever is not sub=a'],
      []
    ],
    [
      'one claim less',
      { bind: [] },
      [],
      ['bind whatever is not kubernetes.io/namespace=shop|bank']
    ],
    [
      'the same in another order',
      { bind: [{ claim: ['kubernetes.io', 'namespace'], values: ['bank', 'shop'] }] },
      [],
      []
    ],
    ['another way to the issuer', { proxy: 'http://u:p@proxy:1', tokenFile: 't' }, [], []]
  ]

for (const [what, changes, lost, gained] of CASES) {
  test(`${what}: ${lost.length} lost, ${gained.length} gained`, (t) => {
    const texts = (members: readonly { what: string; value: string }[] = []) =>
      members.map((one) => `${one.what} ${one.value}`)
    const [diff, ...more] = diffTrusts([TRUST], [{ ...TRUST, ...changes }])
    t.same([texts(diff?.lost), texts(diff?.gained), more], [lost, gained, []])
    t.equal(diff?.change, lost.length + gained.length > 0 ? 'changed' : undefined)
    const [back] = diffTrusts([{ ...TRUST, ...changes }], [TRUST])
    t.equal(back?.lost.length ?? 0, gained.length, 'and the way back takes what this one gives')
    t.equal(back?.gained.length ?? 0, lost.length)
    t.end()
  })
}

test('a trust that comes or goes is told whole, in the order of names', (t) => {
  const [a, b] = diffTrusts([{ ...TRUST, name: 'b' }], [{ ...TRUST, name: 'a' }])
  t.match(a, { trust: 'a', change: 'added', lost: [] })
  t.match(b, { trust: 'b', change: 'removed', gained: [] })
  t.same(a?.gained, b?.lost)
  const told = a?.gained.map(({ what }) => what)
  t.same(told, [
    ...['issuer', 'audience', 'jwks', 'caFile', 'algorithms'],
    ...['grant.client', 'grant.scopes', 'grant.mode', 'grant.ttlSeconds', 'bind']
  ])
  t.end()
})
