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

const ask = (url: string, ...rawHeaders: string[]) => originalOf({ url, rawHeaders })
const SCOPED = '/internal/authorize?scope=aura-services:users'
const GET = ['X-Original-Method', 'GET']

test('scope and method are told in either family of headers', async (t) => {
  const expected = { scope: 'aura-services:users', method: 'GET' }
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
    ['no_scope', `${SCOPED}&scope=aura-services`, ...GET],
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
    ['method_override', SCOPED, ...GET, 'X-HTTP-Method-Override', 'DELETE']
  ]
  for (const [reason, url, ...headers] of refusals) {
    t.throws(() => ask(url, ...headers), { code: 'access_denied', reason }, `${url} ${headers}`)
  }
})
