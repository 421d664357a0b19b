/** What the common suite cannot know of writing and listing in Azure: tags by version, deletion, dates and links. */
import { type Test, test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { wirePowersSuite } from '../../contract/wire-powers-suite.ts'
import { writeCases } from '../../contract/write-suite.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { type Dialect, openWire, type WireAnswer, type WireRequest } from '../../support/wire.ts'
import { answer, azureDialect, azureSubject, bundle, connectAzure, refusal } from './fake.ts'
import { type FakeVault, openFakeVault } from './fake-vault.ts'

const write = ({ provider }: FakeVault, path: string, text = 'new') =>
  provider.write({ path }, new Sensitive(text), within())

const sets = ({ wire }: FakeVault) => wire.reads.filter(({ method }) => method === 'PUT')

test('azure-key-vault against a vault that remembers', async (suite) => {
  writeCases(suite, azureSubject, await openFakeVault(suite))
})

// A write begins with a read: here that read is answered, and it is what follows that fails.
const readsAreAnswered: Dialect['aside'] = (request) => {
  const { method, url, headers } = request
  const isRead = method === 'GET' && url.startsWith('/secrets/') && headers.authorization
  return isRead ? bundle('what was there', request) : azureDialect.aside?.(request)
}
if (azureSubject.wire !== undefined) {
  wirePowersSuite('azure-key-vault, once it has read what it writes to,', azureSubject, {
    ...azureSubject.wire,
    dialect: { ...azureDialect, aside: readsAreAnswered }
  })
}

test('a new version keeps tags and content type, and no date', async (t) => {
  const vault = await openFakeVault(t)
  const kept = { tags: { 'purser-read': 'true', team: 'voice' }, contentType: 'text/plain' }
  vault.put('app-db', { value: 'old', ...kept, attributes: { exp: 1, nbf: 1 } })
  await write(vault, 'app-db')
  t.strictSame(vault.newest('app-db'), { value: 'new', ...kept, attributes: {} })
  const { text, tags } = await vault.provider.read({ path: 'app-db' }, within())
  t.equal(text.reveal(), 'new')
  t.strictSame([...(tags ?? [])], Object.entries(kept.tags))
})

test('a secret that is not there is written without anything to keep', async (t) => {
  const vault = await openFakeVault(t)
  await write(vault, 'first')
  t.strictSame(vault.newest('first'), { value: 'new', attributes: {} })
})

test('a secret whose state allows no write is a conflict, and stays as it was', async (t) => {
  const vault = await openFakeVault(t)
  vault.put('deleted', { value: 'old' })
  await vault.remove?.('deleted')
  vault.put('disabled', { value: 'old', attributes: { enabled: false } })
  vault.put('certificate', { value: 'old', managed: true })
  for (const [name, code] of [
    ['deleted', 'ObjectIsDeletedButRecoverable'],
    ['disabled', 'secret_disabled'],
    ['certificate', 'secret_managed']
  ] as const) {
    t.match(await faultOf(write(vault, name)), { reason: 'conflict', code })
    t.equal(vault.newest(name)?.value, 'old')
  }
  t.equal(sets(vault).length, 1, 'what cannot be written is not tried')
})

test('what a read gives as not found without being absent is no place to write to', async (t) => {
  for (const inner of ['SecretDisabled', 'SecretExpired']) {
    const found: Dialect['found'] = (_, { method }) =>
      method === 'GET' ? refusal(403, 'Forbidden', 'no', inner) : answer(200, {})
    const wire = await openWire(t, { ...azureDialect, found }, { read: 'found', text: '' })
    const provider = await connectAzure(t, wire, createDeps({ AZURE_SECRET: 'an-app-secret' }))
    t.teardown(() => provider.close())
    const writing = provider.write?.({ path: 'app' }, new Sensitive('x'), within())
    t.equal((await faultOf(writing ?? Promise.resolve())).reason, 'conflict', inner)
    t.notOk(wire.reads.some(({ method }) => method === 'PUT'))
  }
})

test('a text that Azure cannot hold, and a name that none can have, are not even sent', async (t) => {
  const vault = await openFakeVault(t)
  const tooLarge = { reason: 'invalid_request', code: 'too_large' }
  for (const text of ['x'.repeat(25_601), 'ż'.repeat(12_801)]) {
    t.match(await faultOf(write(vault, 'app', text)), tooLarge)
  }
  for (const name of ['..', 'a/b', '', 'a?b', 'żółw']) {
    t.match(await faultOf(write(vault, name)), { reason: 'not_found', code: 'name' })
  }
  t.equal(vault.wire.reads.length, 0)
})

test('where it cannot be read what a write has to keep, nothing is written', async (t) => {
  for (const [status, code, inner, reason] of [
    [403, 'Forbidden', 'ForbiddenByRbac', 'denied'],
    [404, 'NotFound', undefined, 'unavailable'],
    [429, 'Throttled', undefined, 'throttled']
  ] as const) {
    const { wire, provider } = await openAnswering(t, (request) =>
      request.method === 'PUT' ? bundle('x', request) : refusal(status, code, 'x', inner)
    )
    const writing = provider.write?.({ path: 'a' }, new Sensitive('x'), within())
    t.equal((await faultOf(writing ?? Promise.resolve())).reason, reason)
    t.ok(wire.reads.every(({ method }) => method === 'GET'))
  }
})

test('what Azure finds wrong with a text is the fault of who gave it', async (t) => {
  const refused = answer(400, { error: { code: 'BadParameter', message: 'x' } })
  const { provider } = await openAnswering(t, () => refused, readsAreAnswered)
  const fault = await faultOf(
    provider.write?.({ path: 'a' }, new Sensitive('x'), within()) ?? Promise.resolve()
  )
  t.match(fault, { reason: 'invalid_request', code: 'BadParameter' })
})

const openAnswering = async (
  t: Test,
  found: (request: WireRequest) => WireAnswer,
  aside: Dialect['aside'] = azureDialect.aside
) => {
  const dialect: Dialect = {
    ...azureDialect,
    found: (_, request) => found(request),
    ...(aside && { aside })
  }
  const wire = await openWire(t, dialect, { read: 'found', text: '' })
  const provider = await connectAzure(t, wire, createDeps({ AZURE_SECRET: 'an-app-secret' }))
  t.teardown(() => provider.close())
  return { wire, provider }
}

const pagesOf = async ({ provider }: FakeVault, limit: number): Promise<(readonly string[])[]> => {
  const pages: (readonly string[])[] = []
  let cursor: string | undefined
  do {
    const page = { limit, ...(cursor !== undefined && { cursor }) }
    const listing = await provider.list('', page, within())
    pages.push(listing.paths)
    cursor = listing.cursor
  } while (cursor !== undefined && pages.length < 100)
  return pages
}

test('the whole vault is listed, in lower case, page by page and in one order', async (t) => {
  const vault = await openFakeVault(t)
  const names = Array.from({ length: 60 }, (_, i) => `App-${String(i).padStart(2, '0')}`)
  for (const name of [...names].reverse()) vault.put(name, { value: 'x' })
  const expected = names.map((name) => name.toLowerCase())
  for (const [limit, sizes] of [
    [100, [25, 25, 10]],
    [7, [7, 7, 7, 7, 7, 7, 7, 7, 4]]
  ] as const) {
    const pages = await pagesOf(vault, limit)
    t.strictSame(
      pages.map(({ length }) => length),
      sizes
    )
    t.strictSame(pages.flat(), expected)
  }
})

test('what a read would not give is not listed, and a certificate only given by name', async (t) => {
  const vault = await openFakeVault(t)
  const now = Math.floor(Date.now() / 1_000)
  vault.put('disabled', { value: 'x', attributes: { enabled: false } })
  vault.put('expired', { value: 'x', attributes: { exp: now - 1 } })
  vault.put('expires', { value: 'x', attributes: { exp: now + 60, nbf: now - 1 } })
  vault.put('later', { value: 'x', attributes: { nbf: now + 60 } })
  vault.put('deleted', { value: 'x' })
  await vault.remove?.('deleted')
  vault.put('certificate', { value: 'x', managed: true })
  t.strictSame(await pagesOf(vault, 1), [[], [], [], ['expires'], []])
  t.equal((await vault.provider.read({ path: 'certificate' }, within())).text.reveal(), 'x')
})

test('names are flat: below a prefix with a slash nothing stands, and nobody is asked', async (t) => {
  const vault = await openFakeVault(t)
  vault.put('app', { value: 'x' })
  for (const prefix of ['app/', '/', '../']) {
    t.strictSame(await vault.provider.list(prefix, { limit: 9 }, within()), { paths: [] })
  }
  t.equal(vault.wire.reads.length, 0)
})

const listed = (names: readonly string[], nextLink?: string): WireAnswer =>
  answer(200, {
    value: names.map((id) => ({ id, attributes: { enabled: true } })),
    nextLink: nextLink ?? null
  })

test('a link to the next page is never followed, only its token is taken', async (t) => {
  const elsewhere = await openWire(t, azureDialect, { read: 'found', text: '' })
  const token = 'eyJOZXh0TWFya2VyIjoiMiE4OCJ9%3D'
  const link = `${elsewhere.url}/other?api-version=1&%24skiptoken=${token}&maxresults=5`
  const { wire, provider } = await openAnswering(t, () => listed([], link))
  const first = await provider.list?.('', { limit: 3 }, within())
  t.strictSame(first, { paths: [], cursor: token })
  await provider.list?.('', { limit: 3, cursor: token }, within())
  t.strictSame(
    wire.reads.map(({ method, url }) => `${method} ${url}`),
    ['', `&$skiptoken=${token}`].map(
      (from) => `GET /secrets?api-version=2025-07-01&maxresults=3${from}`
    )
  )
  t.equal(elsewhere.reads.length + elsewhere.logins.length, 0)
})

test('a link without a token is no way to end a listing early', async (t) => {
  for (const link of ['https://127.0.0.1/secrets', 'x', '?$skiptoken=', `?$skiptoken=a b`]) {
    const { provider } = await openAnswering(t, () => listed(['x/a'], link))
    const fault = await faultOf(provider.list?.('', { limit: 3 }, within()) ?? Promise.resolve())
    t.match(fault, { reason: 'invalid_answer', code: 'next_link' })
  }
})

test('a cursor that is none is an invalid request, and leads nowhere', async (t) => {
  const vault = await openFakeVault(t)
  vault.put('app', { value: 'x' })
  const list = (cursor: string) => vault.provider.list('', { limit: 9, cursor }, within())
  for (const cursor of ['', 'a b', 'a\r\nb', 'a&maxresults=1', 'a#b', 'żółw', 'x'.repeat(4_097)]) {
    t.match(await faultOf(list(cursor)), { reason: 'invalid_request', code: 'cursor' }, cursor)
  }
  t.equal(vault.wire.reads.length, 0)
  for (const cursor of ['forged', 'https://127.0.0.1:1/secrets', '@127.0.0.1', '../../keys']) {
    t.match(await faultOf(list(cursor)), { reason: 'invalid_request', code: 'BadParameter' })
  }
  t.ok(vault.wire.reads.every(({ url }) => url.startsWith('/secrets?api-version=')))
})

test('a name that is none makes no part of a path', async (t) => {
  const ids = ['', '/', 'x/..', 'x/a b', 'x/a#b', 'x/a?version=1', 'x/żółw', 'x/Good-1']
  const { provider } = await openAnswering(t, () => listed(ids))
  t.strictSame(await provider.list?.('', { limit: 9 }, within()), { paths: ['good-1'] })
})

test('a vault that finds a listing wrong without a cursor is misconfigured', async (t) => {
  const refused = answer(400, { error: { code: 'BadParameter', message: 'x' } })
  const { provider } = await openAnswering(t, () => refused)
  const fault = await faultOf(provider.list?.('', { limit: 9 }, within()) ?? Promise.resolve())
  t.equal(fault.reason, 'misconfigured')
})
