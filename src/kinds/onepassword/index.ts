/**
 * 1Password, by a Connect server of one's own. Rule: only the vaults of the configuration are asked, for the present
 * version of one item at a time; nothing is written.
 *
 * There is no writing: a Connect server replaces an item as a whole, and nothing says that it compares versions, so
 * that of two writers, one of whom may sit before the app, each could undo what the other did.
 *
 * The token: read-only, and of the vaults that Purser is for (`op connect token create --vault "<name>,r"`).
 */
import { Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { readFileBytes } from '../../files/read.ts'
import { defineKind } from '../kind.ts'
import { Credential } from '../provider.ts'
import { timeOf } from '../shared/clock.ts'
import { createTransport } from '../shared/http-transport.ts'
import { CaCertFile, Insecure } from '../shared/members.ts'
import { isId } from './answer.ts'
import { createApi } from './api.ts'
import { findItem, placeOf } from './find.ts'
import {
  type OnePasswordAddress,
  onepasswordconnect,
  paths,
  reaches,
  url,
  versions
} from './forms.ts'
import { listItems } from './list.ts'
import { toRecord } from './record.ts'

/** A vault's items, without their fields, come in one answer: some 10,000 of them. */
const LARGEST_ANSWER_BYTES = 4 * 1024 * 1024

const StoreSettings = Type.Object(
  {
    address: Type.String({
      pattern: '^https?://[^/?#@\\s]+/?$',
      maxLength: 512,
      description:
        'scheme, host and port of the Connect server; `http:` sends the token and secrets in the clear: in pre and pro for loopback alone, or with `insecure`'
    }),
    token: Type.Union(Credential.anyOf, {
      description: 'the token, best one that may only read'
    }),
    vaults: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^/]+$', maxLength: 512 }), {
        minItems: 1,
        uniqueItems: true,
        description:
          'the vaults that may be read, by name or id, as references write them; all that the token may see, if absent'
      })
    ),
    caCertFile: CaCertFile,
    insecure: Insecure
  },
  { additionalProperties: false }
)

export const onePasswordConnect = defineKind({
  kind: 'onepassword-connect',
  tags: 'tags',
  proxies: true,
  rightsAt:
    'its token in 1Password: only the vaults that rules need, and only to read, are enough (`op connect token list`)',
  settings: StoreSettings,
  paths,
  versions,
  forms: [url],
  vals: { onepasswordconnect },
  reaches,
  clearHost: ({ origin }) => (origin.startsWith('http:') ? new URL(origin).hostname : undefined),
  // No limit of its own: it answers from its copy of the vaults. As many reads as of a Vault, of three calls each at
  // most.
  quota: { perSecond: 500, burst: 1_000 },

  address: ({ address, vaults, insecure = false }): OnePasswordAddress => {
    const { origin, protocol } = new URL(address)
    if (insecure && protocol === 'https:') throw new Error('insecure is for an http: address')
    return { kind: 'onepassword-connect', origin, ...(vaults !== undefined && { vaults }) }
  },

  connect: async ({ address, token, vaults, caCertFile }, deps) => {
    const { origin } = new URL(address)
    const transport = createTransport(origin, {
      route: deps.route,
      largestAnswerBytes: LARGEST_ANSWER_BYTES,
      ...(caCertFile !== undefined && {
        ca: [pemOfFile(await readFileBytes(caCertFile)).toString()]
      })
    })
    const api = createApi(origin, token, transport, deps)

    return {
      read: async ({ path, version }, options) => {
        const place = placeOf(path, vaults)
        const { vault, id } = await findItem(api, place, options)
        return toRecord(await api.item(vault, id, options), version)
      },

      list: (prefix, page, options) => listItems(api, vaults, prefix, page, options),

      // Not /health, which asks for no token.
      check: async (options) => {
        const seen = await api.vaults(options)
        if (seen.length === 0) throw new ProviderFault('misconfigured', { code: 'vault' })
        for (const wanted of vaults ?? []) {
          const called = seen.filter((vault) => (isId(wanted) ? vault.id : vault.name) === wanted)
          if (called.length === 1) continue
          const code = called.length === 0 ? 'vault' : 'ambiguous_vault'
          throw new ProviderFault('misconfigured', { code })
        }
      },

      clock: async ({ signal }) => {
        const url = `${origin}/heartbeat`
        return timeOf(await transport.send({ method: 'GET', url, headers: {}, signal }))
      },

      close: async () => api.close()
    }
  }
})
