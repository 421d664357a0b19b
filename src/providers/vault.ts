/**
 * HashiCorp Vault and OpenBao, KV version 1 and 2. Rule: a path leads into a configured mount of the configured server and
 * nowhere else, and a secret's text is the JSON of its fields exactly as the server wrote it.
 *
 * Policy: `read` on `<mount>/data/*` (KV 2) or `<mount>/*` (KV 1), and the `default` policy for the token to look after
 * itself.
 */
import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../core/fault.ts'
import type { Locator } from '../core/secret.ts'
import { defineProvider } from './provider.ts'
import { INVALID_TOKEN, parseKv1, parseKv2, parseLookup } from './vault-answer.ts'
import { createClient, encodePath, requestOptions } from './vault-client.ts'
import { Auth, createAuthority } from './vault-login.ts'
import { createSession } from './vault-session.ts'
import { createTransport } from './vault-transport.ts'

const Path = (description: string) =>
  Type.String({ pattern: '^[^/]+(/[^/]+)*$', maxLength: 512, description })

const Mount = Type.Object(
  {
    path: Path('where the KV engine is mounted, e.g. `my-kv` or `team/kv`'),
    version: Type.Union([Type.Literal(1), Type.Literal(2)], {
      description: 'the version of the KV engine'
    })
  },
  { additionalProperties: false }
)
type Mount = Static<typeof Mount>

const Settings = Type.Object(
  {
    address: Type.String({
      pattern: '^https?://[^/?#@\\s]+/?$',
      maxLength: 512,
      description:
        'scheme, host and port; `http:` sends tokens and secrets in the clear, and is for loopback and development'
    }),
    namespace: Type.Optional(Path('the namespace (Vault Enterprise, OpenBao), e.g. `admin/team`')),
    mounts: Type.Array(Mount, {
      minItems: 1,
      description: 'the KV engines that may be read; of two that fit a path, the longer one counts'
    }),
    auth: Auth,
    caCertFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'a PEM file with the authorities to trust instead of the public ones'
      })
    ),
    caCertBase64: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9+/]+={0,2}$',
        description: 'the same PEM in base64, here; both may be given'
      })
    )
  },
  { additionalProperties: false }
)
type Settings = Static<typeof Settings>

/** A dot segment would be resolved by URL parsers on the way, and so leave the mount. */
const hasDotSegment = (path: string): boolean => /(^|\/)\.{1,2}(\/|$)/.test(path)

const authorities = async ({ caCertFile, caCertBase64 }: Settings): Promise<string[]> => [
  ...(caCertFile === undefined ? [] : [await readFile(caCertFile, 'utf8')]),
  ...(caCertBase64 === undefined ? [] : [Buffer.from(caCertBase64, 'base64').toString('utf8')])
]

/** No text that UTF-8, and so a URL, could carry. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** The longest mount that the path lies in, and the rest of the path. Throws ProviderFault `misconfigured`. */
const locate = (mounts: readonly Mount[], path: string) => {
  const [mount] = mounts
    .filter((candidate) => path.startsWith(`${candidate.path}/`))
    .sort((a, b) => b.path.length - a.path.length)
  if (mount === undefined) throw new ProviderFault('misconfigured', { code: 'no_mount' })
  const rest = path.slice(mount.path.length + 1)
  if (rest.split('/').includes('') || hasDotSegment(rest) || LONE_SURROGATE.test(rest)) {
    throw new ProviderFault('misconfigured', { code: 'path' })
  }
  return { mount, rest }
}

const VERSION = /^[1-9]\d{0,8}$/

export const vault = defineProvider({
  kind: 'vault',
  settings: Settings,

  address: ({ address, namespace, mounts, caCertBase64 }) => {
    const paths = mounts.map(({ path }) => path)
    if (new Set(paths).size < paths.length) throw new Error('a mount is listed twice')
    if ([...paths, namespace ?? ''].some(hasDotSegment)) {
      throw new Error('"." and ".." can be no part of a mount or a namespace')
    }
    if (
      caCertBase64 !== undefined &&
      !Buffer.from(caCertBase64, 'base64').includes('-----BEGIN CERTIFICATE-----')
    ) {
      throw new Error('caCertBase64 holds no PEM certificate')
    }
    const { origin } = new URL(address)
    return { kind: 'vault', origin, ...(namespace !== undefined && { namespace }), mounts }
  },

  connect: async (settings, deps) => {
    const { origin } = new URL(settings.address)
    const ca = await authorities(settings)
    const transport = createTransport(origin, ca.length === 0 ? undefined : ca)
    const client = await createClient(origin, settings.namespace, transport, deps.now)
    const session = createSession(createAuthority(client, settings.auth, deps), deps)

    const targetOf = ({ path, version }: Locator) => {
      const { mount, rest } = locate(settings.mounts, path)
      if (mount.version === 1) {
        // Versions that an engine does not keep, and those that it cannot have, it does not have.
        if (version !== undefined) throw new ProviderFault('not_found', { code: 'unversioned' })
        return { url: encodePath(`${mount.path}/${rest}`), parse: parseKv1 }
      }
      if (version !== undefined && !VERSION.test(version)) throw new ProviderFault('not_found')
      const query = version === undefined ? '' : `?version=${version}`
      return {
        url: `${encodePath(`${mount.path}/data/${rest}`)}${query}`,
        parse: (text: string) => parseKv2(text, version)
      }
    }

    return {
      read: async (locator, options) => {
        const { url, parse } = targetOf(locator)
        return session.use(
          async (token) => parse(await client.read(url, requestOptions(options, token))),
          // A server may word the denial of a path and that of a token alike, so the token is asked about.
          async (token, { code }) => {
            if (code === INVALID_TOKEN) return true
            try {
              await client.write(
                'sys/capabilities-self',
                { paths: [url] },
                requestOptions(options, token)
              )
              return false
            } catch (error) {
              return error instanceof ProviderFault && error.reason === 'denied'
            }
          },
          options
        )
      },
      check: (options) =>
        session.use(
          async (token) => {
            parseLookup(
              await client.tokenLookupSelf({ requestOptions: requestOptions(options, token) }),
              token
            )
          },
          async () => true,
          options
        ),
      close: async () => {
        session.close()
        transport.close()
      }
    }
  }
})
