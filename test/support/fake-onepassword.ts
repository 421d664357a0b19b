/** A 1Password Connect server for the contract suite: how it talks, and one that remembers vaults and items. */
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { Sensitive } from '../../src/core/secret.ts'
import { onePasswordConnect } from '../../src/kinds/onepassword/index.ts'
import type { ProviderDeps, SecretProvider } from '../../src/kinds/provider.ts'
import type { RealStore, Subject } from '../contract/provider-suite.ts'
import { caFileOf } from './fake-kubernetes.ts'
import { createDeps } from './provider-deps.ts'
import { type Dialect, openWire, type Wire, type WireAnswer, type WireRequest } from './wire.ts'

export const json = (status: number, body: unknown): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body)
})

/** Its clients print the status that stands in the body. */
export const refusal = (status: number, message: string): WireAnswer =>
  json(status, { status, message })

const SIGNS = 'abcdefghijklmnopqrstuvwxyz234567'

/** 26 signs, the same for the same text. */
export const idOf = (text: string): string =>
  [...createHash('sha256').update(text).digest().subarray(0, 26)]
    .map((byte) => SIGNS[byte % 32])
    .join('')

export interface FakeField {
  readonly id: string
  readonly label?: string
  readonly value?: string
  readonly purpose?: string
  readonly type?: string
  readonly section?: { readonly id: string; readonly label?: string }
}

export interface FakeItem {
  readonly id: string
  readonly title: string
  readonly vault: { readonly id: string }
  readonly category: string
  readonly version: number
  readonly state?: string
  readonly trashed?: boolean
  readonly tags?: readonly string[]
  readonly sections?: readonly { readonly id: string; readonly label?: string }[]
  readonly fields?: readonly FakeField[]
}

const vaultAs = (name: string, id = idOf(`vault ${name}`)) => ({
  id,
  name,
  attributeVersion: 1,
  contentVersion: 7,
  items: 1,
  type: 'USER_CREATED',
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z'
})

export const itemAs = (vault: string, title: string, more: Partial<FakeItem> = {}): FakeItem => ({
  id: idOf(`item ${vault} ${title}`),
  title,
  vault: { id: vault },
  category: 'PASSWORD',
  version: 1,
  ...more
})

/** Items hold fields of text; the suite also has texts in mind that nobody will come to read. */
const fieldsOf = (text: string): FakeField[] =>
  Object.entries<string>(text.startsWith('{') ? JSON.parse(text) : { text }).map(
    ([label, value]) => ({ id: idOf(label), type: 'CONCEALED', label, value })
  )

const summaryOf = ({ fields: _, sections: __, ...summary }: FakeItem) => summary

const isKnown = ({ headers }: WireRequest): boolean =>
  /^Bearer token-\d+$/.test(headers.authorization ?? '')

/** The parts of a URL of its API; its JavaScript client ends the collections with a slash. */
const partsOf = (url: string) => {
  const { pathname, searchParams } = new URL(url, 'http://connect.example')
  const [, version, collection, vault, items, item] = pathname.replace(/\/$/, '').split('/')
  const isApi = version === 'v1' && collection === 'vaults'
  const [, attribute, operator, text] =
    /^(\w+) (eq|co) "([^"\\]*)"$/.exec(searchParams.get('filter') ?? '') ?? []
  return {
    isApi: isApi && (items === undefined || items === 'items'),
    vault,
    items,
    item,
    isFiltered: searchParams.has('filter'),
    fits: (name: string): boolean => {
      if (!['name', 'title'].includes(attribute ?? '') || text === undefined) return false
      // A server may take other cases for equal: who asks has to look.
      const [have, want] = [name.toLowerCase(), text.toLowerCase()]
      return operator === 'eq' ? have === want : have.includes(want)
    },
    wanted: text ?? ''
  }
}

export const onePasswordDialect: Dialect = {
  found: (text, request) => {
    if (!isKnown(request)) return refusal(401, 'Invalid token')
    const { vault, items, item } = partsOf(request.url)
    if (vault === undefined) return json(200, [vaultAs('Purser')])
    if (item === undefined && items !== undefined) {
      return json(200, [summaryOf(itemAs(vault, 'some/secret'))])
    }
    return json(200, itemAs(vault, 'some/secret', { id: item ?? '', fields: fieldsOf(text) }))
  },
  notFound: (message) => refusal(404, `Item ${message} not found`),
  denied: (message) => refusal(403, `Authorization: token does not have access: ${message}`),
  throttled: (message) => refusal(429, message),
  expired: (message) => refusal(401, `Authentication: ${message}`),
  // What keeps the token ready is no part of the API: it is a file, or another store.
  login: ({ url }, n) => (url === '/token' ? { status: 200, body: `token-${n}\n` } : undefined),
  credentialOf: ({ headers }) => headers.authorization,
  // Where the names lead: of a read, only what gives the secret counts.
  aside: ({ url }) => {
    const { vault, isFiltered, wanted } = partsOf(url)
    if (!isFiltered) return undefined
    return json(200, [vault === undefined ? vaultAs(wanted) : summaryOf(itemAs(vault, wanted))])
  }
}

export const connectToWire = (
  t: Test,
  wire: Wire,
  deps: ProviderDeps,
  vaults?: string[]
): Promise<SecretProvider> => {
  const credential: ProviderDeps['credential'] = async (_, { signal }) => {
    const answer = await fetch(`${wire.loginUrl}/token`, { signal })
    return new Sensitive(await answer.text())
  }
  return onePasswordConnect.connect(
    {
      address: wire.url,
      token: { file: 'x' },
      ...(vaults !== undefined && { vaults }),
      ...caFileOf(t, wire)
    },
    // Not a copy: some members of a test's deps are not to be looked at.
    Object.assign(Object.create(deps), { credential })
  )
}

export interface FakeConnect extends RealStore {
  readonly wire: Wire
  readonly provider: SecretProvider & Required<Pick<SecretProvider, 'list'>>
  readonly addVault: (name: string, id?: string) => { readonly id: string }
  readonly addItem: (item: FakeItem) => FakeItem
}

/** A server with a vault `Purser`, to which the token gives the right to read; `vaults` of the store as they are given. */
export const openFakeConnect = async (t: Test, vaults?: string[]): Promise<FakeConnect> => {
  const held = [vaultAs('Purser')]
  const items = new Map<string, FakeItem>()

  const answerTo = (request: WireRequest): WireAnswer => {
    if (!isKnown(request)) return refusal(401, 'Invalid token')
    if (request.method !== 'GET') return refusal(403, 'Authorization: the token may only read')
    const { isApi, vault, items: collection, item, isFiltered, fits } = partsOf(request.url)
    if (!isApi) return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404' }
    if (vault === undefined) {
      return json(
        200,
        held.filter(({ name }) => !isFiltered || fits(name))
      )
    }
    const one = held.find(({ id }) => id === vault)
    if (one === undefined) return refusal(404, 'Vault not found')
    if (collection === undefined) return json(200, one)
    if (item !== undefined) {
      const found = items.get(`${vault}/${item}`)
      return found === undefined ? refusal(404, 'Item not found') : json(200, found)
    }
    const within = [...items.values()].filter((each) => each.vault.id === vault)
    return json(
      200,
      within.filter(({ title }) => !isFiltered || fits(title)).map((each) => summaryOf(each))
    )
  }

  const { aside: _, ...dialect } = onePasswordDialect
  const found: Dialect['found'] = (_text, request) => answerTo(request)
  const wire = await openWire(t, { ...dialect, found }, { read: 'found', text: '' })
  const provider = await connectToWire(t, wire, createDeps(), vaults)
  t.teardown(() => provider.close())
  const { list } = provider
  if (list === undefined) throw new Error('a power is missing')

  const addItem: FakeConnect['addItem'] = (item) => {
    items.set(`${item.vault.id}/${item.id}`, item)
    return item
  }
  const keyOf = (path: string): [vault: string, title: string, key: string] => {
    const [name = '', ...title] = path.split('/')
    const vault = held.find((each) => each.name === name)?.id ?? ''
    return [vault, title.join('/'), `${vault}/${idOf(`item ${vault} ${title.join('/')}`)}`]
  }
  return {
    wire,
    provider: { ...provider, list },
    addVault: (name, id) => {
      const vault = vaultAs(name, id)
      held.push(vault)
      return vault
    },
    addItem,
    seed: async (path, text) => {
      const [vault, title, key] = keyOf(path)
      const before = items.get(key)
      const version = (before?.version ?? 0) + 1
      addItem({ ...before, ...itemAs(vault, title, { version, fields: fieldsOf(text) }) })
      return { version: String(version) }
    },
    remove: async (path) => {
      items.delete(keyOf(path)[2])
    },
    tag: async (path, tags) => {
      const item = items.get(keyOf(path)[2])
      if (item === undefined) throw new Error('there is no such item')
      addItem({ ...item, tags: Object.entries(tags).map(([name, value]) => `${name}=${value}`) })
    }
  }
}

export const onePasswordSubject: Subject = {
  path: (name) => `Purser/${name}`,
  specialNames: [
    'special/a_b+c=d.e@f-g',
    'special/o\'b r&x;y#z?q%41 "quoted" \\',
    'special/żółw/🔑'
  ],
  stores: 'objects',
  storesEmptyText: true,
  largestTextBytes: 500_000,
  powers: { list: { prefix: (name) => `Purser/${name}/` } },
  wire: { dialect: onePasswordDialect, connect: connectToWire }
}
