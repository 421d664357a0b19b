import { test } from 'tap'
import { claimAt, isBound, isOfAccount, originOf, trustDomainIn } from '../../../src/keys/trust.ts'

test('a trust domain is that of a whole SPIFFE ID, and of nothing else', async (t) => {
  t.equal(trustDomainIn('spiffe://example.org/ns/shop'), 'spiffe://example.org')
  t.equal(trustDomainIn(`spiffe://${'a'.repeat(255)}/a`), `spiffe://${'a'.repeat(255)}`)
  for (const other of [
    undefined,
    7,
    ['spiffe://example.org/a'],
    '',
    'spiffe://example.org',
    'spiffe://example.org/',
    'spiffe:///a',
    'spiffe://Example.org/a',
    'spiffe://user@example.org/a',
    'xspiffe://example.org/a',
    `spiffe://${'a'.repeat(256)}/a`,
    'https://example.org/a'
  ]) {
    t.equal(trustDomainIn(other), undefined, String(other))
  }
})

test('a bound claim is there, at its place, as one of its values, letter by letter', async (t) => {
  const claims = { sub: 'a', deep: { list: ['a'], yes: true, text: 'b' } } as never
  const bound = (claim: string[], ...values: (string | true)[]) =>
    isBound(
      {
        bind: [
          { claim: ['sub'], values: ['a'] },
          { claim, values }
        ]
      },
      claims
    )
  t.equal(bound(['deep', 'text'], 'x', 'b'), true)
  t.equal(bound(['deep', 'yes'], true), true)
  for (const [claim, value] of [
    [['deep', 'text'], 'B'],
    [['deep', 'text', 'more'], 'b'],
    [['deep', 'list'], 'a'],
    [['deep', 'yes'], 'true'],
    [['text'], 'b']
  ] as const) {
    t.equal(bound([...claim], value), false, claim.join('.'))
  }
  t.equal(isBound({ bind: [] }, claims), true)
  t.strictSame(claimAt(claims, ['deep', 'list']), ['a'])
})

test('a token is of a service account where its claims name the one of its subject', async (t) => {
  const place = { namespace: 'shop', serviceaccount: { name: 'app', uid: 'u' } }
  const claims = { sub: 'system:serviceaccount:shop:app', 'kubernetes.io': place }
  t.equal(isOfAccount(claims as never), true)
  for (const other of [
    { sub: 'system:serviceaccount:shop:other' },
    { sub: 'system:serviceaccount:other:app' },
    { sub: 'shop:app' },
    { 'kubernetes.io': undefined },
    { 'kubernetes.io': { ...place, namespace: 7 } },
    { 'kubernetes.io': { ...place, serviceaccount: { name: 'app' } } },
    { 'kubernetes.io': { ...place, serviceaccount: { name: 'app', uid: '' } } }
  ]) {
    t.equal(isOfAccount({ ...claims, ...other } as never), false, JSON.stringify(other))
  }
  t.equal(originOf('github'), 'trust:github')
})
