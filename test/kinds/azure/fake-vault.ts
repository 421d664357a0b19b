/** A key vault that remembers: what Azure's documentation says of versions, tags, deletion and pages, in memory. */
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import type { RealStore } from '../../contract/provider-suite.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { openWire, type Wire, type WireAnswer } from '../../support/wire.ts'
import { answer, azureDialect, connectAzure, refusal } from './fake.ts'

interface Attributes {
  readonly enabled?: boolean
  readonly exp?: number
  readonly nbf?: number
}

/** What a version consists of, and its secret says of it in a listing. */
export interface Bundle {
  readonly value: string
  readonly contentType?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly attributes?: Attributes
  readonly managed?: true
}

interface Stored {
  readonly versions: Map<string, Bundle>
  isDeleted: boolean
}

export interface FakeVault extends RealStore {
  readonly wire: Wire
  readonly provider: SecretProvider & Required<Pick<SecretProvider, 'write' | 'list'>>
  readonly put: (name: string, bundle: Bundle) => { readonly version: string }
  /** What is there to see of the newest version. */
  readonly newest: (name: string) => Bundle | undefined
}

const WORKS = { read: 'found', text: '' } as const

export const openFakeVault = async (t: Test): Promise<FakeVault> => {
  // Names are told apart without regard to case.
  const secrets = new Map<string, Stored>()

  const put = (name: string, bundle: Bundle) => {
    const key = name.toLowerCase()
    const stored = secrets.get(key) ?? { versions: new Map(), isDeleted: false }
    const version = randomBytes(16).toString('hex')
    stored.versions.set(version, bundle)
    secrets.set(key, stored)
    return { version }
  }
  const idOf = (name: string, version?: string) =>
    `https://some-vault.vault.azure.net/secrets/${name}${version === undefined ? '' : `/${version}`}`
  const shown = (name: string, version: string, { attributes, ...bundle }: Bundle) =>
    answer(200, {
      ...bundle,
      id: idOf(name, version),
      attributes: { enabled: true, created: 1_700_000_000, ...attributes }
    })

  const get = (name: string, wanted: string): WireAnswer => {
    const stored = secrets.get(name.toLowerCase())
    const version = wanted || [...(stored?.versions.keys() ?? [])].at(-1)
    const bundle = version === undefined ? undefined : stored?.versions.get(version)
    if (stored?.isDeleted !== false || version === undefined || bundle === undefined) {
      return refusal(404, 'SecretNotFound', 'A secret with (name/id) was not found.')
    }
    return bundle.attributes?.enabled === false
      ? refusal(403, 'Forbidden', 'The secret is disabled.', 'SecretDisabled')
      : shown(name, version, bundle)
  }

  const set = (name: string, bundle: Bundle): WireAnswer => {
    if (secrets.get(name.toLowerCase())?.isDeleted) {
      return refusal(409, 'Conflict', 'deleted', 'ObjectIsDeletedButRecoverable')
    }
    return shown(name, put(name, bundle).version, bundle)
  }

  const list = (query: URLSearchParams): WireAnswer => {
    const size = Number(query.get('maxresults') ?? 25)
    const start = Number(query.get('$skiptoken')?.replace('!at=', '') ?? 0)
    if (!(size >= 1 && size <= 25) || Number.isNaN(start)) {
      return refusal(400, 'BadParameter', 'a parameter is bad')
    }
    const names = [...secrets].filter(([, { isDeleted }]) => !isDeleted).sort()
    const page = names.slice(start, start + size).map(([name, { versions }]) => {
      const { value: _value, attributes, ...rest } = [...versions.values()].at(-1) as Bundle
      return { ...rest, id: idOf(name), attributes: { enabled: true, ...attributes } }
    })
    const next = start + size
    const nextLink = `https://some-vault.vault.azure.net:443/secrets?api-version=7.4&$skiptoken=!at%3D${next}&maxresults=${size}`
    return answer(200, { value: page, nextLink: next < names.length ? nextLink : null })
  }

  const found: typeof azureDialect.found = (_, { method, url, body }) => {
    const { pathname, searchParams } = new URL(url, 'https://some-vault.vault.azure.net')
    const [, , name = '', version = ''] = pathname.split('/')
    if (name === '') return list(searchParams)
    return method === 'PUT' ? set(name, JSON.parse(body)) : get(name, version)
  }
  const wire = await openWire(t, { ...azureDialect, found }, WORKS)
  const provider = await connectAzure(t, wire, createDeps({ AZURE_SECRET: 'an-app-secret' }))
  t.teardown(() => provider.close())
  const { write, list: listSecrets } = provider
  if (write === undefined || listSecrets === undefined) throw new Error('a power is missing')

  return {
    wire,
    provider: { ...provider, write, list: listSecrets },
    put,
    newest: (name) => [...(secrets.get(name.toLowerCase())?.versions.values() ?? [])].at(-1),
    seed: async (path, text) => put(path, { value: text }),
    remove: async (path) => {
      const stored = secrets.get(path.toLowerCase())
      if (stored !== undefined) stored.isDeleted = true
    }
  }
}
