/**
 * Azure Key Vault. Rule: requests and tokens go to the configured vault only, which is a host of Azure's own unless the
 * settings say otherwise; a new version has the tags of the one before it.
 *
 * Azure keeps tags by version, and cannot compare: a write reads the newest version, and sets the next one with its
 * tags and content type. Who changes them in between, such as by taking the broker's tag away, finds them as they were.
 *
 * RBAC (or access policies), each only where it is wanted:
 * - to read `Key Vault Secrets User` (`get`);
 * - to list the same role (`list`). A check lists too: where that is denied, Azure answers and knows us, and the store
 *   counts as healthy;
 * - to write `Key Vault Secrets Officer`, or a role with `secrets/getSecret` and `secrets/setSecret` (`get` and `set`).
 */
import { ProviderFault } from '../../core/fault.ts'
import { defineKind } from '../kind.ts'
import { askTime } from '../shared/clock.ts'
import { createApi } from './api.ts'
import { definitions } from './definitions.ts'
import { events } from './events.ts'
import {
  type AzureAddress,
  appService,
  azurekeyvault,
  identifier,
  names,
  versions
} from './forms.ts'
import { pathOfPage, toListing } from './list.ts'
import { assertLocator, metadataOf, toRecord, type VersionMetadata, writable } from './record.ts'
import { CLOUDS, cloudOf, StoreSettings } from './settings.ts'

/** Where there is no secret there is nothing to keep; one that is only withheld is "not found" to a read alone. */
const metadataOfNone = (fault: ProviderFault): VersionMetadata => {
  if (fault.reason !== 'not_found') throw fault
  const { code, status } = fault
  if (status !== 404) throw new ProviderFault('conflict', { code, status })
  return {}
}

/** Where all the rest is ours, a bad parameter is what the caller gave. */
const blameCaller = (fault: ProviderFault): never => {
  const { code, status } = fault
  throw code === 'BadParameter' ? new ProviderFault('invalid_request', { code, status }) : fault
}

/** How the vault says that it knows us and that our role does not go so far; a firewall is another matter. */
const LEAST_PRIVILEGE = new Set(['AccessDenied', 'ForbiddenByPolicy', 'ForbiddenByRbac'])

export const azureKeyVault = defineKind({
  kind: 'azure-key-vault',
  tags: 'tags',
  proxies: true,
  rightsAt:
    "the vault's role assignments: Key Vault Secrets User is enough to read, and no wider role is needed",
  settings: StoreSettings,
  paths: names,
  versions,
  forms: [identifier, appService],
  vals: { azurekeyvault },
  events,
  definitions,
  botMember: { name: 'credentialsAzureSecrets', form: /^https:\/\/[^/?#]+\/secrets\// },
  // Secrets, GET: 4,000 in 10 seconds, per vault and region.
  // https://learn.microsoft.com/azure/key-vault/general/service-limits
  quota: { perSecond: 200, burst: 2_000 },
  sdkVariables: /^AZURE_/,

  address: ({ vaultUrl, allowAnyHost = false }: StoreSettings): AzureAddress => {
    const url = new URL(vaultUrl)
    if (!allowAnyHost && cloudOf(url) === undefined) {
      throw new Error(
        `the vault is no host of Azure's (a name in ${[...CLOUDS.keys()].join(', ')}, without a port): allowAnyHost would accept it`
      )
    }
    return { kind: 'azure-key-vault', host: url.hostname }
  },

  connect: async (settings: StoreSettings, deps) => {
    const { client, ask, call, close } = await createApi(settings, deps)

    return {
      read: (locator, options) =>
        call(options, async () => {
          assertLocator(locator)
          const { path, version } = locator
          const abortSignal = options.signal
          const wanted = { abortSignal, ...(version !== undefined && { version }) }
          return toRecord(await client.getSecret(path, wanted), deps.now())
        }),
      write: async (locator, text, options) => {
        assertLocator(locator)
        const { path } = locator
        const value = writable(text.reveal())
        const sending = { abortSignal: options.signal }
        // The read comes first for the SDK's sake too: of its first requests of all, one may lose its body.
        const kept = await call(options, () => client.getSecret(path, sending)).then(
          metadataOf,
          metadataOfNone
        )
        const { properties } = await call(
          options,
          () => client.setSecret(path, value, { ...kept, ...sending }),
          false
        ).catch(blameCaller)
        if (!properties.version) throw new ProviderFault('invalid_answer')
        return { version: properties.version }
      },
      list: async (prefix, page, options) => {
        // A name has no slash, so nothing stands below a prefix that ends in one.
        if (prefix !== '') return { paths: [] }
        const path = pathOfPage(page)
        const listing = call(options, async () => toListing(await ask(path, options), deps.now()))
        return page.cursor === undefined ? listing : listing.catch(blameCaller)
      },
      check: async (options) => {
        try {
          const pages = () =>
            client
              .listPropertiesOfSecrets({ abortSignal: options.signal })
              .byPage({ maxPageSize: 1 })
          await call(options, () => pages().next())
        } catch (fault) {
          if (!LEAST_PRIVILEGE.has((fault as ProviderFault).code ?? '')) throw fault
        }
      },
      clock: (options) => {
        const { vaultUrl, caCertFile } = settings
        return askTime(new URL(vaultUrl).origin, { caCertFile, route: deps.route }, options)
      },
      close
    }
  }
})
