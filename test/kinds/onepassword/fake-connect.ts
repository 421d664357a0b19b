/** A Connect server that remembers: vaults, items and what a token may read, in memory. */
import type { Test } from 'tap'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore } from '../../contract/provider-suite.ts'
import { createDeps } from '../../support/provider-deps.ts'
import {
  type Dialect,
  openWire,
  type Wire,
  type WireAnswer,
  type WireRequest
} from '../../support/wire.ts'
import {
  connectToWire,
  type FakeItem,
  fieldsOf,
  idOf,
  isKnown,
  itemAs,
  json,
  onePasswordDialect,
  partsOf,
  refusal,
  summaryOf,
  vaultAs
} from './fake.ts'

export interface FakeConnect extends RealStore {
  readonly wire: Wire
  readonly provider: SecretProvider & Required<Pick<SecretProvider, 'list'>>
  readonly addVault: (name: string, id?: string) => { readonly id: string }
  readonly addItem: (item: FakeItem) => FakeItem
  /** Ids of vaults that the token may see and not read. */
  readonly closed: Set<string>
}

/** A server with a vault `Purser`, to which the token gives the right to read; `vaults` of the store as they are given. */
export const openFakeConnect = async (t: Test, vaults?: string[]): Promise<FakeConnect> => {
  const held = [vaultAs('Purser')]
  const items = new Map<string, FakeItem>()
  const closed = new Set<string>()

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
    if (closed.has(vault)) return refusal(403, 'Authorization: vault')
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
    closed,
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
