/**
 * References to secrets of Kubernetes: `k8s://`, `ref+k8s://`, namespaces and names. Rule: a namespace that is not
 * configured is reached by no form.
 */
import { malformed, matching } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import { type Form, parameters, seek } from '../../core/reference-written.ts'

const KIND = 'kubernetes'

export type KubernetesAddress = {
  readonly kind: typeof KIND
  readonly namespaces: readonly string[]
}

// A namespace is a DNS label, a name a DNS subdomain (Kubernetes: Object Names and IDs).
export const paths = matching(
  /^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252}$/,
  'a Kubernetes path is a namespace, a slash and a name, in lower case'
)

export const reaches = ({ namespaces }: KubernetesAddress, path: string): boolean =>
  namespaces.includes(path.slice(0, path.indexOf('/')))

const KUBERNETES = 'a Kubernetes secret'

/** `k8s://<namespace>/<name>[#<key>]` */
export const url: Form = {
  begins: ['k8s:'],
  read: ({ head, query, field }, stores) => {
    parameters(KUBERNETES, query, [])
    const path = head.slice('k8s://'.length)
    if (!head.startsWith('k8s://')) {
      throw malformed(KUBERNETES, 'it is k8s, two slashes, a namespace, a slash and a name')
    }
    const store = seek<KubernetesAddress>(stores, KIND, (address) => reaches(address, path))
    return { form: KUBERNETES, kind: KIND, store, path, field }
  }
}

export const k8s: ValsBackend = {
  parameters: [],
  read: (written, _given, fragment, stores) => {
    const [api, type, namespace = '', name = '', key, ...rest] = written.split('/')
    if (api !== 'v1' || type !== 'Secret' || rest.length > 0) {
      throw malformed(VALS, 'it is v1, Secret, a namespace, a name and perhaps a key')
    }
    if (key !== undefined && fragment !== undefined) throw malformed(VALS, 'it has one field')
    const path = `${namespace}/${name}`
    const store = seek<KubernetesAddress>(stores, KIND, (address) => reaches(address, path))
    return { form: VALS, kind: KIND, store, path, field: key ?? fragment }
  }
}
