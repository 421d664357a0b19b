/**
 * References to secrets of GCP: resource names, `ref+gcpsecrets://`, ids and versions. Rule: a form looks for the first
 * configured store that it names; it never makes a project out of what was written.
 */
import { malformed, matching } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import { type Form, type NamedStores, parameters, seek } from '../../core/reference-written.ts'
import type { NamedStore } from '../../core/store-address.ts'

const KIND = 'gcp-secret-manager'

export type GcpAddress = {
  readonly kind: typeof KIND
  readonly project: string
  /** The other name of the same project, which Google itself writes in its answers. */
  readonly projectNumber?: string
  readonly location?: string
}

// projects.secrets.create, secretId: up to 255 upper and lower case letters, numerals, hyphen and underscore.
export const ids = matching(
  /^[A-Za-z0-9_-]{1,255}$/,
  'a GCP secret id has up to 255 letters, digits, hyphens and underscores'
)

export const versions = matching(
  /^(?:[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62})$/,
  'a GCP version is a number or an alias'
)

const gcpStore = (
  form: string,
  project: string,
  location: string | undefined,
  stores: NamedStores
): NamedStore | undefined => {
  if (!/^[a-z0-9.:-]{1,63}$/.test(project) || !/^[a-z0-9-]{1,32}$/.test(location ?? 'global')) {
    throw malformed(form, 'its project and its location have lower case letters, digits, hyphens')
  }
  return seek<GcpAddress>(
    stores,
    KIND,
    (address) =>
      (address.project === project || address.projectNumber === project) &&
      address.location === location
  )
}

const GCP_NAME =
  /^projects\/([^/]*)(?:\/locations\/([^/]*))?\/secrets\/([^/]*)(?:\/versions\/([^/]*))?$/

const GCP = 'a GCP resource name'

/** `projects/<project>[/locations/<location>]/secrets/<id>[/versions/<version>][#<field>]` */
export const resourceName: Form = {
  begins: ['projects/'],
  read: ({ head, query, field }, stores) => {
    parameters(GCP, query, [])
    const [whole, project = '', location, path = '', version] = GCP_NAME.exec(head) ?? []
    if (whole === undefined) {
      throw malformed(GCP, 'it is projects, perhaps locations, secrets, perhaps versions')
    }
    const store = gcpStore(GCP, project, location, stores)
    return { form: GCP, kind: KIND, store, path, version, field }
  }
}

export const gcpsecrets: ValsBackend = {
  parameters: ['version'],
  read: (path, given, field, stores) => {
    const [project = '', name = '', ...rest] = path.split('/')
    if (rest.length > 0) throw malformed(VALS, 'it is a project and a secret')
    const store = gcpStore(VALS, project, undefined, stores)
    return {
      form: VALS,
      kind: KIND,
      store,
      path: name,
      version: given.get('version'),
      field
    }
  }
}
