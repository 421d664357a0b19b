/**
 * The written forms of a reference, as their vendors document them. Rule: a form takes its text apart and looks for the
 * first configured store that it names; it never makes a host, an account or a project out of what was written.
 */
import { isStoreName, malformed, mountOf, reaches } from './reference-grammar.ts'
import {
  type AddressOf,
  type Form,
  parameters,
  pathOf,
  readUrl,
  type Stores,
  seek,
  type Target,
  urlPathOf,
  type Written,
  type WrittenUrl
} from './reference-written.ts'
import type { NamedStore } from './store-address.ts'

const CANONICAL = 'a store and a path'

/** `<store>:<path>[?version=<v>][#<field>]` */
export const canonical: Form = {
  begins: [],
  read: ({ head, query, field }, stores) => {
    const colon = head.indexOf(':')
    const name = head.slice(0, Math.max(colon, 0))
    if (!isStoreName(name)) {
      throw malformed(CANONICAL, 'it begins with the name of a store and a colon')
    }
    const version = parameters(CANONICAL, query, ['version']).get('version')
    const store = stores.find((candidate) => candidate.name === name)
    return {
      form: CANONICAL,
      kind: store?.address.kind,
      store,
      path: pathOf(CANONICAL, head.slice(colon + 1)),
      version,
      field
    }
  }
}

const ARN = 'an AWS ARN'

/** `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>[#<field>]` */
export const arn: Form = {
  begins: ['arn:'],
  read: ({ head, query, field }, stores) => {
    parameters(ARN, query, [])
    const [, partition = '', service, region = '', account = '', type, path = '', ...rest] =
      head.split(':')
    if (service !== 'secretsmanager' || type !== 'secret' || rest.length > 0) {
      throw malformed(ARN, 'it is of a secret: secretsmanager, region, account, secret, name')
    }
    const isPlace =
      /^aws[a-z-]{0,20}$/.test(partition) &&
      /^[a-z0-9-]{1,32}$/.test(region) &&
      /^[0-9]{12}$/.test(account)
    if (!isPlace) {
      throw malformed(
        ARN,
        'it has a partition, a region such as eu-west-1 and an account of 12 digits, no placeholders of an example'
      )
    }
    const store = seek(
      stores,
      'aws-secrets-manager',
      (address) =>
        address.partition === partition &&
        address.region === region &&
        address.accounts.includes(account)
    )
    // A name may itself end in what looks like the suffix of an ARN, and only AWS can tell: nothing is cut off.
    return { form: ARN, kind: 'aws-secrets-manager', store, path, field, nativeId: head }
  }
}

const AZURE = 'an Azure secret identifier'

/** `https://<host>/secrets/<name>[/<version>][/]` */
const azureSecret = (
  { url, path: written }: WrittenUrl,
  field: string | undefined,
  stores: Stores
): Target => {
  if (url.protocol !== 'https:' || url.port !== '') {
    throw malformed(AZURE, 'it is an https URL without another port')
  }
  const [, collection, path = '', version, ...rest] = written.replace(/\/$/, '').split('/')
  if (collection !== 'secrets' || rest.length > 0) {
    throw malformed(AZURE, 'its path is secrets, a name and perhaps a version')
  }
  const store = seek(stores, 'azure-key-vault', ({ host }) => host === url.hostname)
  return { form: AZURE, kind: 'azure-key-vault', store, path, version, field }
}

/** By a vault's name: the first label of a configured host, or all of it where the name has dots. */
export const azureVault = (form: string, name: string, stores: Stores): NamedStore | undefined => {
  if (!/^[A-Za-z0-9.-]{1,253}$/.test(name) || name.endsWith('.')) {
    throw malformed(form, 'the name of its vault has letters, digits and hyphens')
  }
  const vault = name.toLowerCase()
  return seek(
    stores,
    'azure-key-vault',
    ({ host }) => vault === (vault.includes('.') ? host : host.split('.', 1)[0])
  )
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
      kind: 'azure-key-vault',
      store: azureVault(APP_SERVICE, vault, stores),
      path: given.get('SecretName') ?? '',
      version: given.get('SecretVersion'),
      field
    }
  }
}

export const gcpStore = (
  form: string,
  project: string,
  location: string | undefined,
  stores: Stores
): NamedStore | undefined => {
  if (!/^[a-z0-9.:-]{1,63}$/.test(project) || !/^[a-z0-9-]{1,32}$/.test(location ?? 'global')) {
    throw malformed(form, 'its project and its location have lower case letters, digits, hyphens')
  }
  return seek(
    stores,
    'gcp-secret-manager',
    (address) =>
      (address.project === project || address.projectNumber === project) &&
      address.location === location
  )
}

const GCP_NAME =
  /^projects\/([^/]*)(?:\/locations\/([^/]*))?\/secrets\/([^/]*)(?:\/versions\/([^/]*))?$/

const GCP = 'a GCP resource name'

/** `projects/<project>[/locations/<location>]/secrets/<id>[/versions/<version>][#<field>]` */
export const gcp: Form = {
  begins: ['projects/'],
  read: ({ head, query, field }, stores) => {
    parameters(GCP, query, [])
    const [whole, project = '', location, path = '', version] = GCP_NAME.exec(head) ?? []
    if (whole === undefined) {
      throw malformed(GCP, 'it is projects, perhaps locations, secrets, perhaps versions')
    }
    const store = gcpStore(GCP, project, location, stores)
    return { form: GCP, kind: 'gcp-secret-manager', store, path, version, field }
  }
}

const VAULT = 'a Vault URL'

/** A path of the HTTP API as mount and path, if it leads into the store; its namespace may stand before the mount. */
const vaultPath = (address: AddressOf<'vault'>, written: string): string | undefined => {
  const { namespace } = address
  const isBelow = namespace !== undefined && written.startsWith(`${namespace}/`)
  const paths = isBelow ? [written.slice(namespace.length + 1), written] : [written]
  for (const path of paths) {
    const mount = mountOf(address, path)
    if (mount === undefined) continue
    if (mount.version === 1) return path
    const [data, ...inside] = path.slice(mount.path.length + 1).split('/')
    if (data !== 'data') throw malformed(VAULT, 'a mount of version 2 is read below data')
    const inStore = `${mount.path}/${inside.join('/')}`
    // Without `data` it must not come to lie below a mount within this one: that would be another secret.
    if (mountOf(address, inStore) === mount) return inStore
    throw malformed(VAULT, 'its path belongs to another mount')
  }
  return undefined
}

/** `http[s]://<host>[:<port>]/v1/[<namespace>/]<mount>[/data]/<path>[?version=<n>][#<field>]` */
const vaultSecret = (
  { url, path: encoded }: WrittenUrl,
  { query, field }: Written,
  stores: Stores
): Target => {
  const written = urlPathOf(VAULT, encoded.slice('/v1/'.length))
  const version = parameters(VAULT, query, ['version']).get('version')
  let path: string | undefined
  const store = seek(stores, 'vault', (address) => {
    path = address.origin === url.origin ? vaultPath(address, written) : undefined
    return path !== undefined
  })
  return { form: VAULT, kind: 'vault', store, path: path ?? written, version, field }
}

const ANY_URL = 'a URL'

/** Which secret a URL means shows in its path alone; a host is compared, never judged. */
export const anyUrl: Form = {
  begins: ['https:', 'http:'],
  read: (written, stores) => {
    const url = readUrl(ANY_URL, written.head)
    if (url.path.startsWith('/v1/')) return vaultSecret(url, written, stores)
    parameters(AZURE, written.query, [])
    return azureSecret(url, written.field, stores)
  }
}

const KUBERNETES = 'a Kubernetes secret'

/** `k8s://<namespace>/<name>[#<key>]` */
export const kubernetes: Form = {
  begins: ['k8s:'],
  read: ({ head, query, field }, stores) => {
    parameters(KUBERNETES, query, [])
    const path = head.slice('k8s://'.length)
    if (!head.startsWith('k8s://')) {
      throw malformed(KUBERNETES, 'it is k8s, two slashes, a namespace, a slash and a name')
    }
    const store = seek(stores, 'kubernetes', (address) => reaches(address, path))
    return { form: KUBERNETES, kind: 'kubernetes', store, path, field }
  }
}
