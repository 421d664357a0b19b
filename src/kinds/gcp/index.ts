/**
 * GCP Secret Manager, over gRPC. The project, the location and so the host come from configuration; a reference only
 * names a secret in them. Rule: of an error only its class goes on, and no call outlives the caller who waits for it; a
 * write makes a new version of a secret that exists, and the secret itself is the operator's.
 *
 * IAM, each only where it is wanted, and on the secrets themselves unless the project is said:
 * - to read `secretmanager.versions.access` (`roles/secretmanager.secretAccessor`);
 * - to read their labels `secretmanager.secrets.get` (`roles/secretmanager.viewer`);
 * - with `newest: enabled` also `secretmanager.versions.list` (`roles/secretmanager.viewer`);
 * - to write `secretmanager.versions.add` (`roles/secretmanager.secretVersionAdder`);
 * - to list `secretmanager.secrets.list` on the project (`roles/secretmanager.viewer`). A check lists too: where that
 *   is denied, Google answers and knows us, and the store counts as healthy.
 */
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import type { Locator } from '../../core/secret.ts'
import { readFileBytes } from '../../files/read.ts'
import { defineKind } from '../kind.ts'
import type { CallOptions } from '../provider.ts'
import { askTime } from '../shared/clock.ts'
import { CaCertFile } from '../shared/members.ts'
import { isInvalid, isRefusal, isSwitchedOff } from './answer.ts'
import { Auth, createAuthority } from './auth.ts'
import { openChannel } from './channel.ts'
import { definitions } from './definitions.ts'
import { events } from './events.ts'
import { type GcpAddress, gcpsecrets, ids, resourceName, versions } from './forms.ts'
import { newestIn, payloadOf, toListing, toRecord, toWritten } from './record.ts'
import { reviewRights } from './review.ts'

const StoreSettings = Type.Object(
  {
    project: Type.String({
      pattern: '^([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$',
      description: "the project's id, e.g. `acme-prod`"
    }),
    projectNumber: Type.Optional(
      Type.String({
        pattern: '^[1-9]\\d{3,18}$',
        description:
          "the project's number, in quotes; names written with it are accepted as well then"
      })
    ),
    location: Type.Optional(
      Type.String({
        pattern: '^[a-z]+(-[a-z0-9]+)*$',
        maxLength: 32,
        description: 'the location of regional secrets, e.g. `europe-west3`; global ones if absent'
      })
    ),
    newest: Type.Optional(
      Type.Literal('enabled', {
        description:
          'while the newest version is disabled or destroyed, read the newest that is enabled, which takes `secretmanager.versions.list`'
      })
    ),
    auth: Type.Optional(Auth),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\])(:\\d{1,5})?$',
        description: 'host and port of a private endpoint instead of the public one'
      })
    ),
    insecure: Type.Optional(
      Type.Boolean({
        description:
          'no TLS: for an emulator on this machine only; without `auth` it is sent no credential'
      })
    ),
    caCertFile: CaCertFile
  },
  { additionalProperties: false }
)
type StoreSettings = Static<typeof StoreSettings>

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Regional secrets have a host of their own, and no other knows them. */
export const placeOf = ({
  endpoint,
  location
}: StoreSettings): { readonly host: string; readonly port: number } => {
  if (endpoint === undefined) {
    const region = location === undefined ? '' : `${location}.rep.`
    return { host: `secretmanager.${region}googleapis.com`, port: 443 }
  }
  if (!URL.canParse(`https://${endpoint}`)) throw new Error('its endpoint is no host and port')
  const { hostname, port } = new URL(`https://${endpoint}`)
  return { host: hostname, port: port === '' ? 443 : Number(port) }
}

const MOST_PER_PAGE = 100

const pageOf = (parent: string, limit: number, cursor: string | undefined) => ({
  parent,
  pageSize: Math.min(limit, MOST_PER_PAGE),
  ...(cursor !== undefined && { pageToken: cursor })
})

export const gcpSecretManager = defineKind({
  kind: 'gcp-secret-manager',
  tags: 'labels',
  proxies: true,
  rightsAt:
    'the roles of its account in IAM: Secret Manager Secret Accessor is enough to read (Google is asked only of secrets that rules name whole)',
  settings: StoreSettings,
  paths: ids,
  versions,
  latest: 'latest',
  forms: [resourceName],
  vals: { gcpsecrets },
  events,
  definitions,
  botMember: { name: 'credentialsGcpSecrets', form: /^projects\// },
  // AccessSecretVersion: 90,000 a minute, per project. Its half at once would be no bound at all.
  // https://cloud.google.com/secret-manager/quotas
  quota: { perSecond: 750, burst: 5_000 },
  sdkVariables: /^(GOOGLE|GCLOUD)_/,

  address: (settings): GcpAddress => {
    const { project, projectNumber, location, insecure = false, caCertFile } = settings
    const { host } = placeOf(settings)
    if (insecure && !LOOPBACK.test(host)) {
      throw new Error('without TLS, secrets would travel in the clear: insecure is for loopback')
    }
    if (insecure && caCertFile !== undefined) throw new Error('without TLS, caCertFile is idle')
    return {
      kind: 'gcp-secret-manager',
      project,
      ...(projectNumber !== undefined && { projectNumber }),
      ...(location !== undefined && { location })
    }
  },

  connect: async (settings, deps) => {
    const { project, location, insecure = false, caCertFile } = settings
    const auth = settings.auth ?? (insecure ? undefined : ({ method: 'default' } as const))
    const authority = auth && (await createAuthority(auth, project, deps))
    const authorities =
      caCertFile === undefined ? 'public' : pemOfFile(await readFileBytes(caCertFile))
    const trust = insecure ? 'plaintext' : authorities
    const place = placeOf(settings)
    const proxy = deps.route(place.host, place.port, !insecure)
    const origin = `https://${place.host}:${place.port}`
    const trusted = { caCertFile, route: deps.route }
    const channel = await openChannel({ ...place, trust, proxy, mark: deps.route.mark }, authority)

    const parent = `projects/${project}${location === undefined ? '' : `/locations/${location}`}`
    const nameOf = ({ path }: Locator) => `${parent}/secrets/${path}`

    const access = async (locator: Locator, version: string, options: CallOptions) => {
      const name = `${nameOf(locator)}/versions/${version}`
      return toRecord(await channel.call('accessSecretVersion', { name }, options))
    }

    /**
     * What Google calls latest may be a version that is switched off; the newest of those that are not is asked for
     * then.
     */
    const readNewestEnabled = async (locator: Locator, options: CallOptions) => {
      try {
        return await access(locator, 'latest', options)
      } catch (fault) {
        if (!isSwitchedOff(fault as ProviderFault)) throw fault
        const request = { parent: nameOf(locator), pageSize: 1, filter: 'state:ENABLED' }
        const version = newestIn(await channel.call('listSecretVersions', request, options))
        if (version === undefined) throw fault
        return access(locator, version, options)
      }
    }

    return {
      read: (locator, options) =>
        locator.version === undefined && settings.newest === 'enabled'
          ? readNewestEnabled(locator, options)
          : access(locator, locator.version ?? 'latest', options),
      readTags: async (locator, options) => {
        const { labels } = await channel.call('getSecret', { name: nameOf(locator) }, options)
        return new Map(Object.entries(labels))
      },
      write: async (locator, text, options) => {
        const request = { parent: nameOf(locator), payload: payloadOf(text.reveal()) }
        return toWritten(await channel.call('addSecretVersion', request, options))
      },
      // Newest first, as Google lists them.
      list: async (prefix, { limit, cursor }, options) => {
        // An id has no slash, so nothing stands below a prefix that ends in one.
        if (prefix !== '') return { paths: [] }
        const request = pageOf(parent, limit, cursor)
        try {
          return toListing(await channel.call('listSecrets', request, options))
        } catch (fault) {
          if (cursor === undefined || !isInvalid(fault as ProviderFault)) throw fault
          throw new ProviderFault('invalid_request', { code: 'cursor' })
        }
      },
      check: async (options) => {
        try {
          await channel.call('listSecrets', { parent, pageSize: 1 }, options)
        } catch (fault) {
          // A least-privilege role, in good health.
          if (!(fault instanceof ProviderFault && isRefusal(fault))) throw fault
        }
      },
      review: (wanted, options) =>
        reviewRights(channel, (path) => nameOf({ path }), wanted, options),
      ...(!insecure && { clock: (options) => askTime(origin, trusted, options) }),
      close: async () => {
        authority?.close()
        channel.close()
      }
    }
  }
})
