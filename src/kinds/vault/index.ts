/**
 * HashiCorp Vault and OpenBao, KV version 1 and 2. Rule: a path leads into a configured mount of the configured server
 * and nowhere else, and a secret's text is the JSON of its fields exactly as the server wrote it.
 *
 * Policy, for KV 2: `read` on `<mount>/data/*` to read; `create` (what was never there) and `update` (what was) on the
 * same to write, and `read` on `<mount>/metadata/*` where the engine requires check-and-set; `list` on
 * `<mount>/metadata/*` to list. For KV 1 all of them on `<mount>/*`. And the `default` policy, for the token to look
 * after itself.
 */
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import type { Locator } from '../../core/secret.ts'
import { readFileBytes } from '../../files/read.ts'
import { defineKind } from '../kind.ts'
import { timeOf } from '../shared/clock.ts'
import { createTransport } from '../shared/http-transport.ts'
import { CaCertFile, Insecure } from '../shared/members.ts'
import { isVersion, parseKv1, parseKv2, parseLookup, UNVERSIONED } from './answer.ts'
import { createApi, isDeadOn } from './api.ts'
import { createClient, requestOptions } from './client.ts'
import { apiUrl, paths, reaches, unversioned, type VaultAddress, vals, versions } from './forms.ts'
import { listSecrets } from './list.ts'
import { Auth, createAuthority } from './login.ts'
import { dataPath, hasOnlySegments, locate, Mount, MountPath } from './mounts.ts'
import { reviewRights } from './review.ts'
import { createSession } from './session.ts'
import { LONE_FIELD, writeSecret } from './write.ts'

const StoreSettings = Type.Object(
  {
    address: Type.String({
      pattern: '^https?://[^/?#@\\s]+/?$',
      maxLength: 512,
      description:
        'scheme, host and port; `http:` sends tokens and secrets in the clear: in pre and pro for loopback alone, or with `insecure`'
    }),
    namespace: Type.Optional(
      MountPath(
        'the namespace (Vault Enterprise, OpenBao), e.g. `admin/team`; VAULT_NAMESPACE if absent'
      )
    ),
    mounts: Type.Array(Mount, {
      minItems: 1,
      description: 'the KV engines that may be read; of two that fit a path, the longer one counts'
    }),
    auth: Auth,
    caCertFile: CaCertFile,
    caCertBase64: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9+/]+={0,2}$',
        description: 'the same PEM in base64, here; both may be given'
      })
    ),
    insecure: Insecure,
    skipVerify: Type.Optional(
      Type.Boolean({
        description:
          'takes whoever answers at the address for the server, and sends it tokens; refused in pre and pro'
      })
    )
  },
  { additionalProperties: false }
)
type StoreSettings = Static<typeof StoreSettings>

const authorities = async ({ caCertFile, caCertBase64 }: StoreSettings): Promise<string[]> => [
  ...(caCertFile === undefined ? [] : [pemOfFile(await readFileBytes(caCertFile)).toString()]),
  ...(caCertBase64 === undefined ? [] : [Buffer.from(caCertBase64, 'base64').toString('utf8')])
]

export const vault = defineKind({
  kind: 'vault',
  tags: 'custom metadata',
  proxies: true,
  namespaced: true,
  loneField: LONE_FIELD,
  settings: StoreSettings,
  paths,
  versions,
  latest: '0',
  forms: [apiUrl],
  vals: { vault: vals },
  botMember: { name: 'credentialsVault', form: /^https?:\/\/[^/?#]+\/v1\// },
  reaches,
  unversioned,
  clearHost: ({ origin }) => (origin.startsWith('http:') ? new URL(origin).hostname : undefined),
  // No limit of its own, unless its operator sets a quota; a tenth of what one node of it was measured to take.
  quota: { perSecond: 500, burst: 1_000 },

  address: ({
    address,
    namespace,
    mounts,
    caCertFile,
    caCertBase64,
    skipVerify = false,
    insecure = false
  }): VaultAddress => {
    const places = mounts.map(({ path }) => path)
    if (new Set(places).size < places.length) throw new Error('a mount is listed twice')
    if (![...places, namespace ?? 'none'].every(hasOnlySegments)) {
      throw new Error('"." and ".." can be no part of a mount or a namespace')
    }
    if (
      caCertBase64 !== undefined &&
      !Buffer.from(caCertBase64, 'base64').includes('-----BEGIN CERTIFICATE-----')
    ) {
      throw new Error('caCertBase64 holds no PEM certificate')
    }
    if (skipVerify && (caCertFile ?? caCertBase64) !== undefined) {
      throw new Error('without verification, the authorities to trust are idle')
    }
    const { origin, protocol } = new URL(address)
    if (insecure && protocol === 'https:') throw new Error('insecure is for an http: address')
    return { kind: 'vault', origin, ...(namespace !== undefined && { namespace }), mounts }
  },

  // User names, roles and the mount of the method; not where the secrets of the login are.
  account: ({ address, namespace, auth }) => [
    new URL(address).origin,
    namespace,
    Object.entries(auth).filter(([, value]) => typeof value === 'string')
  ],

  // What unwraps an answer is good for one time.
  spendsCredential: ({ auth }) => auth.method === 'approle' && auth.secretId?.wrapped === true,

  connect: async (settings, deps) => {
    const { mounts, skipVerify = false } = settings
    const { origin } = new URL(settings.address)
    const ca = await authorities(settings)
    const transport = createTransport(origin, {
      skipVerify,
      route: deps.route,
      ...(ca.length > 0 && { ca })
    })
    const client = await createClient(origin, settings.namespace, transport, deps.now)
    const session = createSession(createAuthority(client, settings.auth, deps), deps)
    const api = createApi(client, session)

    const targetOf = ({ path, version }: Locator) => {
      const place = locate(mounts, path)
      if (place.mount.version === 1) {
        // A version that the engine does not keep, or cannot have, is not found.
        if (version !== undefined) throw new ProviderFault('not_found', { code: UNVERSIONED })
        return { url: dataPath(place), parse: parseKv1 }
      }
      if (version !== undefined && !isVersion(version)) throw new ProviderFault('not_found')
      const query = version === undefined ? '' : `?version=${version}`
      return {
        url: dataPath(place) + query,
        parse: (text: string) => parseKv2(text, version)
      }
    }

    return {
      read: async (locator, options) => {
        const { url, parse } = targetOf(locator)
        return parse(await api.get(url, options))
      },
      write: async ({ path }, text, options) =>
        writeSecret(api, locate(mounts, path), text, options),
      // A store of KV 1 alone has no versions to compare.
      ...(mounts.some(({ version }) => version === 2) && { comparesVersions: true }),
      list: (prefix, page, options) => listSecrets(api, mounts, prefix, page, options),
      check: (options) =>
        session.use(
          async (token) => {
            parseLookup(
              await client.tokenLookupSelf({ requestOptions: requestOptions(options, token) }),
              token
            )
          },
          isDeadOn(client, 'auth/token/lookup-self', options),
          options
        ),
      review: (wanted, options) => reviewRights(client, session, mounts, wanted, options),
      clock: async ({ signal }) => {
        const url = `${origin}/v1/sys/health`
        return timeOf(await transport.send({ method: 'GET', url, headers: {}, signal }))
      },
      close: async () => {
        session.close()
        transport.close()
      }
    }
  }
})
