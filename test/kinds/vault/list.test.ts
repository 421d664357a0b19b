/** Listing Vault: nested folders page by page on an OpenBao of our own, and on a server that names what it should not. */
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { ProviderFault } from '../../../src/core/fault.ts'
import type { Listing, SecretProvider } from '../../../src/kinds/provider.ts'
import type { vault } from '../../../src/kinds/vault/index.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { connectVault, createAdmin } from './fake.ts'
import { openScriptedVault, refusal } from './scripted.ts'

type Settings = Static<typeof vault.settings>

const list = async (provider: SecretProvider, prefix: string, limit = 100, cursor?: string) => {
  const page = { limit, ...(cursor !== undefined && { cursor }) }
  const listing: Listing | undefined = await provider.list?.(prefix, page, within())
  return listing ?? { paths: ['it cannot list'] }
}

const pagesOf = async (provider: SecretProvider, prefix: string, limit: number) => {
  const pages: (readonly string[])[] = []
  let cursor: string | undefined
  do {
    const listing = await list(provider, prefix, limit, cursor)
    pages.push(listing.paths)
    cursor = listing.cursor
  } while (cursor !== undefined && pages.length < 500)
  return pages
}

/** 250 paths in folders of up to four levels; some are a secret and a folder both, some sort between the two. */
const PATHS = Array.from({ length: 50 }, (_, i) => {
  const folder = `team-${i % 5}/app${i % 10}`
  return [
    `${folder}/s${i}`,
    `${folder}/s${i}/below`,
    `${folder}/s${i}-aside`,
    `${folder}/deep/er/s${i}`,
    `top${i}`
  ]
}).flat()

const MOUNTS: Settings['mounts'] = [
  { path: 'secret', version: 2 },
  { path: 'team/kv', version: 2 },
  { path: 'team/old', version: 1 }
]

test('listing OpenBao', async (suite) => {
  if (skipWithout(suite, await isInstalled('openbao'))) return
  const peer = await startPeer(suite, 'openbao')
  const admin = createAdmin(peer.url)
  await admin('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } })
  await admin('POST', 'sys/mounts/team/old', { type: 'kv', options: { version: '1' } })

  const open = (t: Test, token: string, mounts = MOUNTS): Promise<SecretProvider> =>
    connectVault(t, peer.url, token, mounts)
  const provider = await open(suite, 'root')
  for (const path of PATHS) {
    await admin('POST', `secret/data/all/${path}`, { data: { value: 'x' } })
    await admin('POST', `team/old/all/${path}`, { value: 'x' })
  }

  for (const mount of ['secret', 'team/old']) {
    suite.test(`250 secrets of ${mount} in pages of 7 come once each, in order`, async (t) => {
      const expected = PATHS.map((path) => `${mount}/all/${path}`).sort()
      const pages = await pagesOf(provider, `${mount}/all/`, 7)
      t.strictSame(pages.flat(), expected)
      t.ok(pages.every(({ length }) => length <= 7))
      t.strictSame((await pagesOf(provider, `${mount}/all/`, 250)).flat(), expected)
      const below = await list(provider, `${mount}/all/team-1/app1/s1/`)
      t.strictSame(below, { paths: [`${mount}/all/team-1/app1/s1/below`] })
    })
  }

  suite.test('the last page has no cursor, also if it is full', async (t) => {
    for (const name of ['a', 'b']) await admin('POST', `secret/data/two/${name}`, { data: {} })
    const both = ['secret/two/a', 'secret/two/b']
    t.strictSame(await list(provider, 'secret/two/', 2), { paths: both })
    t.strictSame(await list(provider, 'secret/two/', 3), { paths: both })
    const first = await list(provider, 'secret/two/', 1)
    t.strictSame(first, { paths: ['secret/two/a'], cursor: 'secret/two/a' })
    t.strictSame(await list(provider, 'secret/two/', 1, first.cursor), { paths: ['secret/two/b'] })
  })

  suite.test('a page goes on after its cursor, whatever came or went meanwhile', async (t) => {
    for (const name of ['b', 'd/e', 'f']) {
      await admin('POST', `secret/data/moving/${name}`, { data: {} })
    }
    const { cursor } = await list(provider, 'secret/moving/', 2)
    await admin('DELETE', 'secret/metadata/moving/d/e')
    for (const name of ['a', 'd/f']) await admin('POST', `secret/data/moving/${name}`, { data: {} })
    t.strictSame((await list(provider, 'secret/moving/', 9, cursor)).paths, [
      'secret/moving/d/f',
      'secret/moving/f'
    ])
  })

  suite.test(
    'a folder that does not exist is empty, and so is a secret taken for one',
    async (t) => {
      for (const prefix of ['secret/none/', 'secret/all/top1/', 'team/old/none/', 'team/kv/']) {
        t.strictSame(await list(provider, prefix), { paths: [] }, prefix)
      }
    }
  )

  suite.test('a prefix above several mounts lists them all, in order', async (t) => {
    await admin('POST', 'team/kv/data/one', { data: {} })
    const old = PATHS.map((path) => `team/old/all/${path}`)
    t.strictSame((await pagesOf(provider, 'team/', 100)).flat(), ['team/kv/one', ...old.sort()])
    const all = (await pagesOf(provider, '', 100)).flat()
    t.ok(all.includes('secret/all/top1') && all.includes('team/kv/one'))
  })

  suite.test(
    'a mount that is not there, or of another version, is a misconfiguration',
    async (t) => {
      const confused = await open(t, 'root', [
        { path: 'secret', version: 1 },
        { path: 'nowhere', version: 2 }
      ])
      for (const [prefix, code] of [
        ['secret/all/', 'wrong_kv_version'],
        ['nowhere/a/', 'no_such_route']
      ] as const) {
        const fault = new ProviderFault('misconfigured', { code, status: 404 })
        await t.rejects(list(confused, prefix), fault)
      }
    }
  )

  suite.test(
    'the right to list is enough, and a folder it does not cover is a denial',
    async (t) => {
      const policy = [
        'path "secret/metadata/all/team-1/*" { capabilities = ["list"] }',
        'path "team/old/all/team-1/*" { capabilities = ["list"] }'
      ].join('\n')
      await admin('POST', 'sys/policies/acl/lister', { policy })
      const { auth } = await admin('POST', 'auth/token/create', { policies: ['lister'] })
      const lister = await open(t, auth.client_token)
      for (const mount of ['secret', 'team/old']) {
        const below = PATHS.filter((path) => path.startsWith('team-1/'))
        const listed = (await pagesOf(lister, `${mount}/all/team-1/`, 100)).flat()
        t.strictSame(listed, below.map((path) => `${mount}/all/${path}`).sort())
        const denied = new ProviderFault('denied', { status: 403 })
        await t.rejects(list(lister, `${mount}/all/`), denied)
      }
    }
  )
})

test('a prefix in no mount, or out of one, sends nothing', async (t) => {
  const { provider, seen } = await openScriptedVault(t, () => [200, { data: { keys: ['a'] } }])
  for (const prefix of [
    'other/',
    'sec',
    'secret',
    'secret/a',
    'secret//',
    'secret/a//b/',
    'secret/../sys/',
    'secret/./',
    'secret/\ud800/',
    '/'
  ]) {
    t.equal((await faultOf(list(provider, prefix))).reason, 'misconfigured', prefix)
  }
  t.strictSame(seen, [])
  await list(provider, "secret/a b#?%2F'/")
  await list(provider, 'kv1/a/')
  t.strictSame(
    seen.map(({ line }) => line),
    ['GET /v1/secret/metadata/a%20b%23%3F%252F%27/?list=true', 'GET /v1/kv1/a/?list=true']
  )
})

test('names that would lead elsewhere are left out', async (t) => {
  const names = ['', '/', '.', '..', './', '../', 'a/b', 'a//', '../../sys/', '\ud800', 'good']
  const { provider, seen } = await openScriptedVault(t, () => [200, { data: { keys: names } }])
  t.strictSame(await list(provider, 'secret/'), { paths: ['secret/good'] })
  t.equal(seen.length, 1)
})

test('a made-up cursor is compared and never sent', async (t) => {
  const { provider, seen } = await openScriptedVault(t, ({ line }) => [
    200,
    { data: { keys: line.includes('/f/') ? ['x'] : ['a', 'f/', 'z'] } }
  ])
  const after = async (cursor: string) => (await list(provider, 'secret/', 9, cursor)).paths
  t.strictSame(await after('../../sys/'), ['secret/a', 'secret/f/x', 'secret/z'])
  t.strictSame(await after('secret/f/'), ['secret/f/x', 'secret/z'])
  t.strictSame(await after('secret/g'), ['secret/z'])
  t.strictSame(await after('\uffff'), [])
  t.ok(seen.every(({ line }) => /^GET \/v1\/secret\/metadata\/(f\/)?\?list=true$/.test(line)))
})

test('a page costs 32 calls at most, and is shorter where there are more folders than that', async (t) => {
  const folders = Array.from({ length: 100 }, (_, i) => `f${100 + i}/`)
  const { provider, seen } = await openScriptedVault(t, ({ line }) => [
    200,
    { data: { keys: line.includes('/f') ? ['only'] : folders } }
  ])
  const pages = await pagesOf(provider, 'secret/', 100)
  t.strictSame(
    pages.flat(),
    folders.map((folder) => `secret/${folder}only`)
  )
  t.strictSame(
    pages.map(({ length }) => length),
    [31, 30, 30, 9]
  )
  t.equal(seen.length, 32 * 3 + 11)
})

test('folders without end are a fault and not a loop', async (t) => {
  const { provider, seen } = await openScriptedVault(t, () => [
    200,
    { data: { keys: ['deeper/'] } }
  ])
  const fault = new ProviderFault('misconfigured', { code: 'too_deep' })
  await t.rejects(list(provider, 'secret/'), fault)
  t.equal(seen.length, 32)
})

test('a folder that fails fails the listing, and is asked for twice at most', async (t) => {
  for (const [answer, reason, calls] of [
    [refusal(500), 'unavailable', 3],
    [refusal(429), 'throttled', 2],
    [[200, { data: { keys: [1] } }], 'invalid_answer', 2],
    ['silence', 'timeout', 2]
  ] as const) {
    const { provider, seen } = await openScriptedVault(t, (_, n) =>
      n === 1 ? [200, { data: { keys: ['a', 'f/'] } }] : answer
    )
    const listing = provider.list?.('secret/', { limit: 9 }, within(500))
    t.equal((await faultOf(Promise.resolve(listing))).reason, reason)
    t.equal(seen.length, calls, reason)
  }
})

const TREE: Record<string, readonly string[]> = {
  '': ['a/', 'b/', 'locked/', 'top'],
  'a/': ['one', 'deep/', 'two'],
  'a/deep/': ['x'],
  'b/': ['three']
}

/** Vault with a folder that the token may not list. */
const openTree = (t: Test, denied: readonly string[]) =>
  openScriptedVault(t, ({ line }) => {
    const folder = /^GET \/v1\/secret\/metadata\/(.*)\?list=true$/.exec(line)?.[1] ?? '?'
    if (denied.includes(folder)) return refusal(403, 'permission denied')
    const keys = TREE[folder]
    return keys === undefined ? refusal(404) : [200, { data: { keys } }]
  })

test('a folder that the token may not list is told beside the others, and denied only where it is all there is', async (t) => {
  const { provider, seen } = await openTree(t, ['a/deep/', 'locked/'])
  const unlisted = ['secret/a/deep/', 'secret/locked/'].map((path) => ({
    path,
    fault: new ProviderFault('denied', { status: 403 })
  }))
  const all = ['secret/a/one', 'secret/a/two', 'secret/b/three', 'secret/top']
  t.strictSame(await list(provider, 'secret/'), { paths: all, unlisted })
  const first = await list(provider, 'secret/', 2)
  t.strictSame(first.paths, all.slice(0, 2))
  seen.length = 0
  const second = await list(provider, 'secret/', 2, first.cursor)
  t.strictSame(second.paths, all.slice(2))
  t.strictSame(second.unlisted, unlisted.slice(1), 'each is told once')
  t.notOk(seen.some(({ line }) => line.includes('deep')))
  const denied = await openTree(t, ['', 'a/', 'locked/'])
  t.match(await faultOf(list(denied.provider, 'secret/')), { reason: 'denied' })
  t.match(await faultOf(list(denied.provider, 'secret/locked/')), { reason: 'denied' })
})

test('folders below which nothing is wanted are not asked for', async (t) => {
  const { provider, seen } = await openTree(t, ['locked/'])
  const page = {
    limit: 9,
    isWanted: (path: string) => path.startsWith('secret/a/') && !path.endsWith('two'),
    isWantedBelow: (folder: string) => 'secret/a/'.startsWith(folder) || folder === 'secret/a/deep/'
  }
  t.strictSame(await provider.list?.('secret/', page, within()), {
    paths: ['secret/a/deep/x', 'secret/a/one']
  })
  t.strictSame(
    seen.map(({ line }) => line),
    ['', 'a/', 'a/deep/'].map((folder) => `GET /v1/secret/metadata/${folder}?list=true`)
  )
})

test('folders without a wanted path in them do not end a listing, however many there are', async (t) => {
  const folders = Array.from({ length: 100 }, (_, i) => `f${100 + i}/`)
  const { provider } = await openScriptedVault(t, ({ line }) => [
    200,
    { data: { keys: line.includes('/f199/') ? ['only'] : line.includes('/f') ? [] : folders } }
  ])
  const pages = await pagesOf(provider, 'secret/', 100)
  t.strictSame(pages.flat(), ['secret/f199/only'])
  t.ok(pages.length <= 5)
})
