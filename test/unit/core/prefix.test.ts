/** Prefixes of a listing: a store, and a folder in it. */
import { test } from 'tap'
import { parsePrefix } from '../../../src/core/reference.ts'
import { createReferenceBook } from '../../../src/kinds/references.ts'

const book = createReferenceBook(
  [
    { name: 'local', address: { kind: 'local' } },
    { name: 'cluster', address: { kind: 'kubernetes', namespaces: ['prod'] } },
    {
      name: 'aws',
      address: {
        kind: 'aws-secrets-manager',
        partition: 'aws',
        region: 'eu-west-1',
        accounts: ['123456789012']
      }
    }
  ],
  new Map()
)

test('a prefix is a store alone, or with a folder as the store has it', async (t) => {
  t.same(parsePrefix('local:', book), { store: 'local', path: '' })
  t.same(parsePrefix('local:a/', book), { store: 'local', path: 'a/' })
  t.same(parsePrefix('local:a/b c/', book), { store: 'local', path: 'a/b c/' })
  t.same(parsePrefix('local:a%23b/', book), { store: 'local', path: 'a#b/' })
  t.same(parsePrefix('local:a:b/', book), { store: 'local', path: 'a:b/' }, 'the first colon')
  t.same(parsePrefix('cluster:prod/', book), { store: 'cluster', path: 'prod/' })
})

test('a prefix of a store that is not configured is nowhere', async (t) => {
  for (const text of ['other:', 'other:a/', 'other:a/b/']) {
    t.equal(parsePrefix(text, book), undefined, text)
  }
})

test('what is no prefix is refused with what one looks like, whether the store is configured or not', async (t) => {
  for (const text of [
    '',
    'local',
    'Local:a/',
    ':a/',
    'local/a/',
    'local:a/?version=1',
    'local:a#b/',
    'local:a\\b/',
    'local:a\nb/',
    `local:${'a/'.repeat(1_100)}`
  ]) {
    t.throws(
      () => parsePrefix(text, book),
      { code: 'invalid_reference', message: /^The reference was read as a prefix: it is the name/ },
      text
    )
  }
  for (const text of ['local:a', 'local:a/b', 'other:a', 'local:/a']) {
    t.throws(() => parsePrefix(text, book), { message: /: its path ends in a slash\.$/ }, text)
  }
})

test('a folder has the names that its kind of store allows', async (t) => {
  for (const text of [
    'local:/',
    'local:a//',
    'local:../',
    'local:a/./',
    'local://a/',
    'local:%2e%2e/'
  ]) {
    t.throws(() => parsePrefix(text, book), { code: 'invalid_reference' }, text)
  }
  t.same(parsePrefix('aws:a//b/', book), { store: 'aws', path: 'a//b/' }, 'opaque to AWS')
  t.throws(() => parsePrefix('aws:a?/', book), { code: 'invalid_reference' })
  t.throws(() => parsePrefix('aws:a%3Fb/', book), { code: 'invalid_reference' }, 'no such letter')
})
