/** Writing to Vault: what the contract suite does not ask of every kind, on an OpenBao of our own. */
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import type { vault } from '../../../src/kinds/vault/index.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { connectVault, createAdmin } from './fake.ts'

type Settings = Static<typeof vault.settings>

const write = async (
  { write: put }: SecretProvider,
  path: string,
  text: string,
  ifVersion?: string
): Promise<string> => {
  const options = { ...within(), ...(ifVersion !== undefined && { ifVersion }) }
  const written = await put?.({ path }, new Sensitive(text), options)
  return written?.version ?? 'it cannot write'
}

const textOf = async (provider: SecretProvider, path: string, version?: string) =>
  (await provider.read({ path, ...(version !== undefined && { version }) }, within())).text.reveal()

const MOUNTS: Settings['mounts'] = [
  { path: 'secret', version: 2 },
  { path: 'strict', version: 2 },
  { path: 'kv1', version: 1 }
]

test('writing to OpenBao', async (suite) => {
  if (skipWithout(suite, await isInstalled('openbao'))) return
  const peer = await startPeer(suite, 'openbao')
  const admin = createAdmin(peer.url)
  await admin('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } })
  await admin('POST', 'sys/mounts/strict', { type: 'kv', options: { version: '2' } })
  await admin('POST', 'strict/config', { cas_required: true })

  const open = (t: Test, token: string, mounts = MOUNTS): Promise<SecretProvider> =>
    connectVault(t, peer.url, token, mounts)
  const openWith = async (t: Test, name: string, policy: string): Promise<SecretProvider> => {
    await admin('POST', `sys/policies/acl/${name}`, { policy })
    const { auth } = await admin('POST', 'auth/token/create', { policies: [name] })
    return open(t, auth.client_token)
  }
  const provider = await open(suite, 'root')

  suite.test(
    'KV 2 rounds numbers, so it is given none that it would change; KV 1 keeps them',
    async (t) => {
      for (const text of [
        '{"n":12345678901234567890}',
        '{"a":[{"n":-9007199254740993}]}',
        '{"n":1e400}'
      ]) {
        const fault = await faultOf(write(provider, 'secret/digits', text))
        t.match(fault, { reason: 'invalid_request', code: 'digits' }, text)
      }
      t.match(await faultOf(provider.read({ path: 'secret/digits' }, within())), {
        reason: 'not_found'
      })
      const held = '{"n":9007199254740991,"f":1.5,"text":"12345678901234567890"}'
      await write(provider, 'secret/digits', held)
      t.strictSame(JSON.parse(await textOf(provider, 'secret/digits')), JSON.parse(held))
      await write(provider, 'kv1/digits', '{"n":12345678901234567890}')
      t.equal(await textOf(provider, 'kv1/digits'), '{"n":12345678901234567890}')
    }
  )

  suite.test('a text that is no object becomes the field "value"', async (t) => {
    for (const text of [
      'plain',
      '',
      '[1]',
      '"quoted"',
      '12',
      'null',
      'true',
      '{"half":',
      '\ufeff{}'
    ]) {
      await write(provider, 'secret/text', text)
      t.equal(await textOf(provider, 'secret/text'), JSON.stringify({ value: text }))
    }
    await write(provider, 'secret/text', ' { "value" : "an object" } ')
    t.equal(await textOf(provider, 'secret/text'), '{"value":"an object"}')
  })

  suite.test('KV 1 is written with every digit, replaced as a whole, unversioned', async (t) => {
    const text = '{"big":12345678901234567890,"options":{"cas":0},"path":"elsewhere","price":1.10}'
    t.equal(await write(provider, 'kv1/a', text), 'unversioned')
    t.equal(await textOf(provider, 'kv1/a'), text)
    await write(provider, 'kv1/a', '{"only":"this"}')
    t.equal(await textOf(provider, 'kv1/a'), '{"only":"this"}')
  })

  suite.test('what KV 1 cannot do is refused, and changes nothing', async (t) => {
    await write(provider, 'kv1/b', 'before')
    for (const ifVersion of ['1', 'unversioned', '']) {
      await t.rejects(
        write(provider, 'kv1/b', 'after', ifVersion),
        new ProviderFault('invalid_request', { code: 'unversioned' })
      )
    }
    for (const empty of ['{}', ' { } \n']) {
      await t.rejects(
        write(provider, 'kv1/b', empty),
        new ProviderFault('invalid_request', { code: 'empty' })
      )
    }
    t.equal(await textOf(provider, 'kv1/b'), '{"value":"before"}')
    t.equal(await write(provider, 'secret/empty', '{}'), '1', 'KV 2 keeps an empty object')
  })

  suite.test('only a store that has an engine with versions compares them', async (t) => {
    t.equal(provider.comparesVersions, true)
    const old = await open(t, 'root', [{ path: 'kv1', version: 1 }])
    t.equal('comparesVersions' in old, false)
  })

  suite.test(
    'a version that no secret can have is a conflict, also for one that is not there',
    async (t) => {
      for (const ifVersion of ['0', '1', '-1', '01', '1.0', '1e0', 'unversioned', '']) {
        const fault = await faultOf(write(provider, 'secret/absent', 'x', ifVersion))
        t.equal(fault.reason, 'conflict', ifVersion)
      }
      await t.rejects(
        textOf(provider, 'secret/absent'),
        new ProviderFault('not_found', { status: 404 })
      )
    }
  )

  suite.test('an engine that requires check-and-set is written as any other', async (t) => {
    t.equal(await write(provider, 'strict/a', 'one'), '1')
    t.equal(await write(provider, 'strict/a', 'two'), '2')
    t.equal(await write(provider, 'strict/a', 'three', '2'), '3')
    const conflict = new ProviderFault('conflict', { status: 400 })
    await t.rejects(write(provider, 'strict/a', 'late', '2'), conflict)
    t.equal(await textOf(provider, 'strict/a'), '{"value":"three"}')

    await admin('DELETE', 'strict/data/a')
    t.equal(await write(provider, 'strict/a', 'after the deletion'), '4')
    await admin('POST', 'strict/metadata/tagged', { custom_metadata: { team: 'a' } })
    t.equal(await write(provider, 'strict/tagged', 'metadata came first'), '1')
    await admin('POST', 'secret/metadata/strict', { cas_required: true })
    t.equal(await write(provider, 'secret/strict', 'one'), '1')
    t.equal(await write(provider, 'secret/strict', 'two'), '2')
  })

  suite.test('writers that race on such an engine all come through', async (t) => {
    const texts = Array.from({ length: 5 }, (_, i) => `racer ${i}`)
    const versions = await Promise.all(texts.map((text) => write(provider, 'strict/race', text)))
    t.strictSame([...versions].sort(), ['1', '2', '3', '4', '5'])
    for (const [i, version] of versions.entries()) {
      t.equal(await textOf(provider, 'strict/race', version), `{"value":"racer ${i}"}`)
    }
  })

  suite.test(
    'of writers that race on one version, in replicas of their own, one wins',
    async (t) => {
      for (const mount of ['secret', 'strict']) {
        const path = `${mount}/compared`
        const ifVersion = await write(provider, path, 'before')
        const replicas = await Promise.all(Array.from({ length: 4 }, () => open(t, 'root')))
        const outcomes = await Promise.allSettled(
          Array.from({ length: 12 }, (_, i) =>
            write(replicas[i % 4] ?? provider, path, `racer ${i}`, ifVersion)
          )
        )
        const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
        t.equal(winners.length, 1)
        t.equal(await textOf(provider, path), `{"value":"racer ${winners[0]}"}`)
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') t.match(outcome.reason, { reason: 'conflict' })
        }
      }
    }
  )

  suite.test('custom metadata are the tags of KV 2; KV 1 cannot tell any', async (t) => {
    const tagsOf = async (path: string) => (await provider.read({ path }, within())).tags
    await write(provider, 'secret/tagged', 'x')
    await write(provider, 'kv1/untagged', 'x')
    t.strictSame(await tagsOf('secret/tagged'), new Map())
    t.equal(await tagsOf('kv1/untagged'), undefined)
    // As text: in JavaScript's own notation `__proto__` would be no member.
    const body = '{"custom_metadata":{"purser-read":"true","__proto__":"a name like any other"}}'
    const url = `${peer.url}/v1/secret/metadata/tagged`
    await fetch(url, { method: 'POST', headers: { 'x-vault-token': 'root' }, body })
    await write(provider, 'secret/tagged', 'y')
    const tags = await tagsOf('secret/tagged')
    t.strictSame(tags?.get('purser-read'), 'true')
    t.strictSame(tags?.get('__proto__'), 'a name like any other')
    t.equal(tags?.size, 2)
  })

  suite.test('each right is needed for what the head of the provider says', async (t) => {
    const denied = new ProviderFault('denied', { status: 403 })
    const creator = await openWith(
      t,
      'creator',
      'path "secret/data/*" { capabilities = ["create"] }\npath "kv1/*" { capabilities = ["create"] }'
    )
    const updater = await openWith(
      t,
      'updater',
      'path "+/data/*" { capabilities = ["update"] }\npath "kv1/*" { capabilities = ["update"] }'
    )
    const both = await openWith(
      t,
      'both',
      'path "strict/data/*" { capabilities = ["create", "update"] }'
    )
    for (const path of ['secret/rights', 'kv1/rights']) {
      await t.rejects(write(updater, path, 'x'), denied)
      await write(creator, path, 'x')
      await t.rejects(write(creator, path, 'x'), denied)
      await write(updater, path, 'x')
    }
    await admin('DELETE', 'secret/data/rights')
    await t.rejects(write(creator, 'secret/rights', 'x'), denied, 'a deleted secret is an update')
    t.equal(await write(updater, 'secret/rights', 'x'), '3')
    await t.rejects(write(both, 'strict/rights', 'x'), denied, 'the newest version is asked for')
    await admin('POST', 'strict/data/rights', { data: {}, options: { cas: 0 } })
    t.equal(
      await write(both, 'strict/rights', 'x', '1'),
      '2',
      'who names the version needs no more'
    )
  })
})
