/**
 * References to secrets of Azure Key Vault: identifiers, App Service references, `ref+azurekeyvault://`, names and
 * versions. Rule: a host is compared with those of configured vaults, never judged; names have one case here.
 *
 * Azure: "Azure Key Vault keys, secrets and certificates overview", "Use Key Vault references".
 */
import { type Alphabet, malformed, matching } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import {
  ANY_URL,
  type Form,
  type NamedStores,
  type ParsedForm,
  parameters,
  readUrl,
  seek,
  type WrittenUrl
} from '../../core/reference-written.ts'
import type { NamedStore } from '../../core/store-address.ts'

const KIND = 'azure-key-vault'

export type AzureAddress = {
  readonly kind: typeof KIND
  /** Lower case, no port. */
  readonly host: string
}

/** Azure compares identifiers without case (Key Vault: object identifiers), so they have one case here. */
const spelling: Alphabet['spelling'] = {
  of: (text) => text.toLowerCase(),
  rule: 'names in Azure Key Vault are lower case here'
}

// Key Vault, "Objects, identifiers, and versioning": 1 to 127 of 0-9, a-z, A-Z and -.
export const names: Alphabet = {
  ...matching(
    /^[a-z0-9-]{1,127}$/,
    'an Azure secret name has up to 127 letters, digits and hyphens'
  ),
  spelling
}

export const versions: Alphabet = {
  ...matching(
    /^[0-9a-f]{32}$/,
    'an Azure version is 32 hexadecimal digits, as the portal shows it; without one the newest is read'
  ),
  spelling
}

const AZURE = 'an Azure secret identifier'

/** `https://<host>/secrets/<name>[/<version>][/]` */
const azureSecret = (
  { url, path: written }: WrittenUrl,
  field: string | undefined,
  stores: NamedStores
): ParsedForm => {
  if (url.protocol !== 'https:' || url.port !== '') {
    throw malformed(AZURE, 'it is an https URL without another port')
  }
  const [, collection, path = '', version, ...rest] = written.replace(/\/$/, '').split('/')
  if (collection !== 'secrets' || rest.length > 0) {
    throw malformed(AZURE, 'its path is secrets, a name and perhaps a version')
  }
  const store = seek<AzureAddress>(stores, KIND, ({ host }) => host === url.hostname)
  return { form: AZURE, kind: KIND, store, path, version, field }
}

/** By a vault's name: the first label of a configured host, or all of it where the name has dots. */
const azureVault = (form: string, name: string, stores: NamedStores): NamedStore | undefined => {
  if (!/^[A-Za-z0-9.-]{1,253}$/.test(name) || name.endsWith('.')) {
    throw malformed(form, 'the name of its vault has letters, digits and hyphens')
  }
  const vault = name.toLowerCase()
  return seek<AzureAddress>(
    stores,
    KIND,
    ({ host }) => vault === (vault.includes('.') ? host : host.split('.', 1)[0])
  )
}

/** Any URL that is of no other form: which secret it means shows in its path alone. */
export const identifier: Form = {
  begins: ['https:', 'http:'],
  read: ({ head, query, field }, stores) => {
    const url = readUrl(ANY_URL, head)
    parameters(AZURE, query, [])
    return azureSecret(url, field, stores)
  }
}

const APP_SERVICE = 'an App Service reference'

/** `@Microsoft.KeyVault(SecretUri=…)`, `@Microsoft.KeyVault(VaultName=…;SecretName=…[;SecretVersion=…])` */
export const appService: Form = {
  begins: ['@Microsoft.KeyVault'],
  read: ({ head, query, field }, stores) => {
    parameters(APP_SERVICE, query, [])
    const [, settings] = /^@Microsoft\.KeyVault\((.*)\)$/.exec(head) ?? []
    if (settings === undefined) {
      throw malformed(APP_SERVICE, 'it has its settings in parentheses and nothing after them')
    }
    if (settings.startsWith('SecretUri=')) {
      const url = readUrl(AZURE, settings.slice('SecretUri='.length))
      return azureSecret(url, field, stores)
    }
    const allowed = ['VaultName', 'SecretName', 'SecretVersion']
    const given = parameters(APP_SERVICE, settings, allowed, ';')
    const vault = given.get('VaultName') ?? ''
    if (vault.includes('.')) throw malformed(APP_SERVICE, 'its VaultName is not a host')
    return {
      form: APP_SERVICE,
      kind: KIND,
      store: azureVault(APP_SERVICE, vault, stores),
      path: given.get('SecretName') ?? '',
      version: given.get('SecretVersion'),
      field
    }
  }
}

export const azurekeyvault: ValsBackend = {
  parameters: [],
  read: (path, _given, field, stores) => {
    const [vault = '', name = '', version, ...rest] = path.replace(/\/$/, '').split('/')
    if (rest.length > 0) throw malformed(VALS, 'it is a vault, a secret and perhaps a version')
    const store = azureVault(VALS, vault, stores)
    return { form: VALS, kind: KIND, store, path: name, version, field }
  }
}
