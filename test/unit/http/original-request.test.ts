import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { isCanonicalUri, originalOf } from '../../../src/http/original-request.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'

test('a URI has one reading or not as its vector says', async (t) => {
  for (const { name, input, expect } of readVectors<Vector<string, boolean>[]>('original-uris')) {
    t.equal(isCanonicalUri(input), expect, `${name}: ${input}`)
  }
})

test('a canonical path is the same path for whoever parses, decodes or normalises it', async () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2f',
    '%5c',
    '\\',
    ';',
    '%25',
    'a',
    'ä',
    '%c3%a4',
    '?',
    '#',
    '%00',
    '%41'
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const uri = `/${pieces.join('')}`
      if (!isCanonicalUri(uri)) return
      const [path = ''] = uri.split('?')
      const { pathname } = new URL(uri, 'http://host')
      assert.equal(pathname, path)
      assert.equal(decodeURIComponent(path).split('/').length, path.split('/').length)
    }),
    { numRuns: 5_000 }
  )
})

test('no change of case makes another ASCII path of a canonical one', (t) => {
  const withoutOthers = (text: string) => text.replace(/[^ -~]+/g, '')
  for (let code = 0x80; code < 0x3000; code++) {
    const letter = String.fromCodePoint(code)
    if (!isCanonicalUri(`/a${encodeURIComponent(letter)}b`)) continue
    for (const folded of [
      letter.toUpperCase(),
      letter.toLowerCase(),
      letter.toLowerCase().toUpperCase()
    ]) {
      if (withoutOthers(folded) !== '') t.fail(`U+${code.toString(16)} becomes ${folded}`)
    }
  }
  t.end()
})

const ask = (url: string, ...rawHeaders: string[]) => originalOf({ url, rawHeaders })
const SCOPED = '/internal/authorize?scope=aura-services:users'
const GET = ['X-Original-Method', 'GET']

test('scope and method are told in either family of headers', async (t) => {
  const expected = { scopes: ['aura-services:users'], method: 'GET' }
  t.same(ask(SCOPED, ...GET), expected)
  t.same(ask(SCOPED, 'x-forwarded-method', 'GET', 'x-forwarded-uri', '/a?b'), expected)
  t.same(ask(SCOPED.replace(':', '%3A'), ...GET, 'X-Forwarded-Method', 'GET'), expected)
  t.same(ask(`${SCOPED}&uri=/a?scope=b&uri=c`, ...GET), expected, 'what stands behind is the URI')
})

test('what is missing, told twice, contradictory or ambiguous is denied, with a reason for the record', async (t) => {
  const refusals: [string, string, ...string[]][] = [
    ['no_scope', '/internal/authorize', ...GET],
    ['no_scope', '/internal/authorize?scope=', ...GET],
    ['no_scope', '/internal/authorize?scope=a%', ...GET],
    ['no_scope', '/internal/authorize?scope=*', ...GET],
    ['no_scope', '/internal/authorize?uri=/a&scope=a', ...GET],
    ['no_scope', `${SCOPED}&scope=`, ...GET],
    ['no_scope', `${SCOPED}&scope=*`, ...GET],
    ['no_scope', `${SCOPED},`, ...GET],
    ['no_scope', `${SCOPED},,a`, ...GET],
    ['no_scope', `${SCOPED}, a`, ...GET],
    ['no_scope', `${SCOPED},a/users?scope=b`, ...GET],
    ['no_scope', `${SCOPED}&x=1&scope=a`, ...GET],
    ['no_scope', `${SCOPED}${',a'.repeat(8)}`, ...GET],
    ['no_scope', `${SCOPED}&x=1`, ...GET],
    ['no_method', SCOPED],
    ['told_twice', SCOPED, ...GET, ...GET],
    ['told_twice', SCOPED, ...GET, 'X-Original-URI', '/a', 'x-original-uri', '/a'],
    ['contradiction', SCOPED, ...GET, 'X-Forwarded-Method', 'POST'],
    ['contradiction', SCOPED, ...GET, 'X-Original-URI', '/a', 'X-Forwarded-Uri', '/b'],
    ['contradiction', `${SCOPED}&uri=/a`, ...GET, 'X-Original-URI', '/b'],
    ['ambiguous_uri', SCOPED, ...GET, 'X-Original-URI', '/a/../b'],
    ['ambiguous_uri', SCOPED, ...GET, 'X-Original-URI', ''],
    ['ambiguous_uri', `${SCOPED}&uri=`, ...GET],
    ['ambiguous_uri', `${SCOPED}&uri=/a//b`, ...GET],
    ['method_override', SCOPED, ...GET, 'X-HTTP-Method-Override', 'DELETE'],
    ['told_twice', SCOPED, ...GET, 'X_Original_Method', 'POST'],
    ['told_twice', SCOPED, 'X_Original_Method', 'GET'],
    ['told_twice', SCOPED, ...GET, 'X_Rewrite_URL', '/b'],
    ['ambiguous_uri', SCOPED, ...GET, 'X-Original-URL', 'https://host/a/../b'],
    ['ambiguous_uri', SCOPED, ...GET, 'X-Original-URL', 'https://host'],
    ['ambiguous_uri', SCOPED, ...GET, 'X-Original-URL', 'https://me@host/a'],
    ['told_twice', SCOPED, ...GET, 'X-Original-URL', '/a', 'X-Original-URL', '/a']
  ]
  for (const [reason, url, ...headers] of refusals) {
    t.throws(() => ask(url, ...headers), { code: 'access_denied', reason }, `${url} ${headers}`)
  }
})

test('of several scopes, with commas or one by one, each is taken', async (t) => {
  const several = { scopes: ['a', 'b:c', 'd'], method: 'GET' }
  t.same(ask('/internal/authorize?scope=a,b:c,d', ...GET), several)
  t.same(ask('/internal/authorize?scope=a&scope=b:c&scope=d', ...GET), several)
  t.same(ask('/internal/authorize?scope=a%2Cb%3Ac&scope=d&uri=/x?scope=e', ...GET), several)
})

test('the path is told by one source, and what else upstreams take for it is denied', async (t) => {
  for (const [name, value] of [
    ['X-Original-URL', '/admin'],
    ['X-Original-URL', '/users'],
    ['X-Rewrite-URL', '/admin'],
    ['X-Override-URL', '/admin'],
    ['X-Original-Path', '/admin'],
    ['X-Envoy-Original-Path', '/admin'],
    ['X-Forwarded-Path', '/admin'],
    ['X-Forwarded-Prefix', '/admin'],
    ['X-Script-Name', '/admin']
  ] as const) {
    for (const told of [
      ['X-Original-URI', '/users'],
      ['X-Forwarded-Uri', '/users']
    ]) {
      const refused = { code: 'access_denied', reason: 'path_override' }
      t.throws(() => ask(SCOPED, ...GET, ...told, name, value), refused, `${told} ${name}`)
      t.throws(() => ask(`${SCOPED}&uri=/users`, ...GET, name, value), refused, name)
    }
  }
  for (const url of ['/users/1?x=y', 'https://api.example:8443/users/1', 'http://[::1]:80/users']) {
    t.same(ask(SCOPED, ...GET, 'X-Original-URL', url).method, 'GET', `${url}, of ingress-nginx`)
  }
})
