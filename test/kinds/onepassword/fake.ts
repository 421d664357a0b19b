/** 1Password Connect for the contract suite: how its API talks. */
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { onePasswordConnect } from '../../../src/kinds/onepassword/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { Subject } from '../../contract/provider-suite.ts'
import type { Dialect, Wire, WireAnswer, WireRequest } from '../../support/wire.ts'
import { caFileOf } from '../kubernetes/fake.ts'

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

export const vaultAs = (name: string, id = idOf(`vault ${name}`)) => ({
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
export const fieldsOf = (text: string): FakeField[] =>
  Object.entries<string>(text.startsWith('{') ? JSON.parse(text) : { text }).map(
    ([label, value]) => ({ id: idOf(label), type: 'CONCEALED', label, value })
  )

export const summaryOf = ({ fields: _, sections: __, ...summary }: FakeItem) => summary

export const isKnown = ({ headers }: WireRequest): boolean =>
  /^Bearer token-\d+$/.test(headers.authorization ?? '')

/** The parts of a URL of its API; its JavaScript client ends the collections with a slash. */
export const partsOf = (url: string) => {
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
