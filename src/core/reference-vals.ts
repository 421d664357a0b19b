/**
 * References as helmfile's vals writes them: `ref+<backend>://<path>[?<parameters>][#/<field>]`. Rule: a parameter may
 * say where the secret is only if a configured store is there; whatever else vals lets a reference choose (a role, a
 * profile, a token, a file) belongs to the broker's configuration and is refused.
 */
import { arn, azureVault, gcpStore } from './reference-forms.ts'
import { malformed, reaches } from './reference-grammar.ts'
import {
  type Form,
  parameters,
  readUrl,
  type Stores,
  seek,
  type Target,
  urlPathOf
} from './reference-written.ts'

const VALS = 'a vals reference'

interface Backend {
  readonly parameters: readonly string[]
  readonly read: (
    path: string,
    given: ReadonlyMap<string, string>,
    field: string | undefined,
    stores: Stores
  ) => Target
}

const awssecrets: Backend = {
  parameters: ['region', 'version_id', 'version_stage'],
  read: (path, given, field, stores) => {
    const region = given.get('region')
    const there = stores.filter(
      ({ address }) =>
        address.kind === 'aws-secrets-manager' &&
        (region === undefined || region === address.region)
    )
    const version = given.get('version_id') ?? given.get('version_stage')
    if (given.has('version_id') && given.has('version_stage')) {
      throw malformed(VALS, 'it has one of version_id and version_stage')
    }
    return path.startsWith('arn:')
      ? { ...arn.read({ head: path }, there), version, field }
      : {
          form: VALS,
          kind: 'aws-secrets-manager',
          store: there[0],
          path: urlPathOf(VALS, path),
          version,
          field
        }
  }
}

const azurekeyvault: Backend = {
  parameters: [],
  read: (path, _given, field, stores) => {
    const [vault = '', name = '', version, ...rest] = path.replace(/\/$/, '').split('/')
    if (rest.length > 0) throw malformed(VALS, 'it is a vault, a secret and perhaps a version')
    const store = azureVault(VALS, vault, stores)
    return { form: VALS, kind: 'azure-key-vault', store, path: name, version, field }
  }
}

const gcpsecrets: Backend = {
  parameters: ['version'],
  read: (path, given, field, stores) => {
    const [project = '', name = '', ...rest] = path.split('/')
    if (rest.length > 0) throw malformed(VALS, 'it is a project and a secret')
    const store = gcpStore(VALS, project, undefined, stores)
    return {
      form: VALS,
      kind: 'gcp-secret-manager',
      store,
      path: name,
      version: given.get('version'),
      field
    }
  }
}

const originOf = (address: string | undefined): string | undefined => {
  if (address === undefined) return undefined
  const { url, path } = readUrl(VALS, address)
  if (path !== '/') throw malformed(VALS, 'an address is a URL without a path')
  return url.origin
}

/** vals names the mount and the path without `data/`; where no field is given, the last segment is the field. */
const vault: Backend = {
  parameters: ['address', 'namespace', 'version'],
  read: (written, given, field, stores) => {
    const last = written.lastIndexOf('/')
    const path = urlPathOf(
      VALS,
      field === undefined ? written.slice(0, Math.max(last, 0)) : written
    )
    const origin = originOf(given.get('address'))
    const namespace = given.get('namespace')
    const store = seek(
      stores,
      'vault',
      (address) =>
        (origin === undefined || origin === address.origin) &&
        (namespace === undefined || namespace === address.namespace) &&
        reaches(address, path)
    )
    const version = given.get('version')
    return {
      form: VALS,
      kind: 'vault',
      store,
      path,
      version,
      field: field ?? written.slice(last + 1)
    }
  }
}

const k8s: Backend = {
  parameters: [],
  read: (written, _given, fragment, stores) => {
    const [api, type, namespace = '', name = '', key, ...rest] = written.split('/')
    if (api !== 'v1' || type !== 'Secret' || rest.length > 0) {
      throw malformed(VALS, 'it is v1, Secret, a namespace, a name and perhaps a key')
    }
    if (key !== undefined && fragment !== undefined) throw malformed(VALS, 'it has one field')
    const path = `${namespace}/${name}`
    const store = seek(stores, 'kubernetes', (address) => reaches(address, path))
    return { form: VALS, kind: 'kubernetes', store, path, field: key ?? fragment }
  }
}

const BACKENDS: ReadonlyMap<string, Backend> = new Map(
  Object.entries({ awssecrets, azurekeyvault, gcpsecrets, vault, k8s })
)

/** vals walks into an object along its fragment, as a JSON pointer does. */
const pointer = (fragment: string | undefined): string | undefined => {
  if (fragment === undefined || /^\/./.test(fragment)) return fragment
  throw malformed(VALS, 'its field is #/ and a name, or several with slashes between them')
}

const VALS_TEXT = /^(?:secret)?ref\+([a-z0-9]+):\/\/(.*)$/

export const vals: Form = {
  begins: ['ref+', 'secretref+'],
  read: ({ head, query, field }, stores) => {
    const [, name = '', path = ''] = VALS_TEXT.exec(head) ?? []
    const backend = BACKENDS.get(name)
    if (backend === undefined) {
      throw malformed(VALS, `its backend is one of ${[...BACKENDS.keys()].join(', ')}`)
    }
    // In vals a plus sign ends the expression: what follows would be another one, or text around it.
    if ([path, query, field].some((part) => part?.includes('+'))) {
      throw malformed(VALS, 'it is one expression, without a plus sign in it or after it')
    }
    return backend.read(path, parameters(VALS, query, backend.parameters), pointer(field), stores)
  }
}
