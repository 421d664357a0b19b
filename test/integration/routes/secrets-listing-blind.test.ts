// What a listing tells of what its caller may not read: nothing, whatever of it there is.
import { type Test, test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies:
  - { client: alice, read: ['local:alice/**'] }
  - { client: bob, read: ['local:bob/**', 'local:*/for-bob', 'local:some/field#only'] }
`
const BOBS = ['bob/a', 'bob/b', 'bob/c/d', 'shared/for-bob']
const OTHERS = [
  'alice/one',
  'alice/two',
  'bob',
  'bobby/x',
  'a/for-bob/x',
  'payroll/salaries',
  'shared/for-alice',
  'some/field',
  'zzz',
  ...Array.from({ length: 250 }, (_, i) => `crowd/${'x'.repeat(i)}${i}`)
]

/** A service that keeps these, and what it tells bob of a prefix, page by page; all but what is random in a cursor. */
const tellerOf = async (t: Test, paths: readonly string[]) => {
  const { as, seed } = await buildTestApp(t, { yaml: YAML })
  for (const path of paths) await seed('local', path, 'text')
  const { ask } = await as('bob')
  return async (prefix: string, limit: number) => {
    const pages: unknown[] = []
    let cursor: string | undefined
    do {
      const query = new URLSearchParams({ prefix, limit: String(limit), ...(cursor && { cursor }) })
      const answer = await ask('GET', `/v1/secrets?${query}`)
      const { results, code } = answer.json()
      cursor = answer.json().cursor
      pages.push({
        status: answer.statusCode,
        code,
        refs: results?.map(({ ref }: { ref: string }) => ref),
        cursor: cursor?.length
      })
    } while (cursor !== undefined && pages.length < 20)
    return pages
  }
}

test('pages, their cursors and their number are the same whatever else is in the store', async (t) => {
  const [alone, among] = [await tellerOf(t, BOBS), await tellerOf(t, [...BOBS, ...OTHERS])]
  for (const prefix of [
    '',
    'bob/',
    'bob/c/',
    'alice/',
    'none/',
    'crowd/',
    'shared/',
    'some/',
    'zzz/'
  ]) {
    for (const limit of [1, 2, 3, 4, 5, 100]) {
      const told = await among(`local:${prefix}`, limit)
      t.same(told, await alone(`local:${prefix}`, limit), `${prefix} by ${limit}`)
    }
  }
  const all = await among('local:', 1)
  t.same(all, [
    ...['bob/a', 'bob/b', 'bob/c/d'].map((path) => ({
      status: 200,
      code: undefined,
      refs: [`local:${path}`],
      cursor: 3119
    })),
    { status: 200, code: undefined, refs: ['local:shared/for-bob'], cursor: undefined }
  ])
  t.same(await among('local:alice/', 1), await among('local:none/', 1))
})

const KINDS = `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, accounts: ['123456789012'] }
  - { name: vault, kind: vault, address: 'http://127.0.0.1:9', mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: T } } }
policies: [{ client: bob, read: ['local:bob/**'] }]
`
const PREFIXES = [
  '',
  'a/',
  'a',
  '/',
  'é/',
  'a b/',
  'a//b/',
  'a/../b/',
  '%2A/',
  '%2F/',
  '%/',
  `${'a'.repeat(600)}/`,
  `${'a'.repeat(1_100)}/`
]

test('a prefix of a store that is not the caller’s is answered as that of no store, however it is written', async (t) => {
  const { as } = await buildTestApp(t, { yaml: KINDS, environ: { T: 'token' } })
  const told = async (client: string, prefix: string) => {
    const { ask } = await as(client)
    const query = new URLSearchParams({ prefix })
    const answer = await ask('GET', `/v1/secrets?${query}`)
    return answer.body.replace(/"instance":"[^"]*"/, '')
  }
  for (const prefix of PREFIXES) {
    for (const store of ['aws', 'vault']) {
      t.equal(await told('bob', `${store}:${prefix}`), await told('bob', `none:${prefix}`), prefix)
    }
    t.equal(await told('eve', `local:${prefix}`), await told('eve', `none:${prefix}`), prefix)
  }
  t.match(await told('bob', 'local:a//b/'), 'segments between single slashes')
})
