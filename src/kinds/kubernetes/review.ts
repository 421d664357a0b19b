/**
 * What the API server says that we may do. Rule: it is asked (SelfSubjectAccessReview, which every account may) and
 * nothing is tried. https://kubernetes.io/docs/reference/access-authn-authz/authorization/
 */
import type { Rights, Wanted } from '../provider.ts'
import { isAllowedBy } from './secret.ts'

export interface Attributes {
  /** Absent: all of them. */
  readonly namespace?: string | undefined
  readonly verb: string
  /** Absent: all of them. */
  readonly name?: string
  readonly resource?: string
  readonly group?: string
}

export const reviewOf = (attributes: Attributes): string =>
  JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { resource: 'secrets', ...attributes } }
  })

interface Question {
  readonly attributes: Attributes
  readonly what: string
}

/** Verbs that show or change more than one secret by its name, or make secrets. */
const UNWANTED = ['list', 'watch', 'create', 'update', 'delete'] as const
/** More would not answer in the time of a check, and are alike. */
const MOST_NAMESPACES = 4

const excessive = (namespaces: readonly string[], writes: boolean): Question[] => [
  ...namespaces.slice(0, MOST_NAMESPACES).flatMap((namespace) =>
    [...UNWANTED, ...(writes ? [] : ['patch'])].map((verb) => ({
      attributes: { namespace, verb },
      what: `${verb} secrets in ${namespace}`
    }))
  ),
  { attributes: { verb: 'get' }, what: 'get secrets in every namespace' },
  {
    attributes: { verb: '*', resource: '*', group: '*' },
    what: 'do everything in the cluster'
  }
]

const lackable = (reads: readonly string[]): Question[] =>
  reads.map((path) => {
    const slash = path.indexOf('/')
    const [namespace, name] = [path.slice(0, slash), path.slice(slash + 1)]
    return { attributes: { namespace, name, verb: 'get' }, what: `get ${path}` }
  })

/** `ask` resolves with the text of the answer to one review. Throws ProviderFault. */
export const reviewRights = async (
  ask: (attributes: Attributes) => Promise<string>,
  namespaces: readonly string[],
  { reads, writes }: Wanted
): Promise<Rights> => {
  const answered = async (questions: readonly Question[], isTold: (may: boolean) => boolean) => {
    const told: string[] = []
    // One after the other: they are many for one caller at once.
    for (const { attributes, what } of questions) {
      if (isTold(isAllowedBy(await ask(attributes)))) told.push(what)
    }
    return told
  }
  return {
    lacking: await answered(lackable(reads), (may) => !may),
    excess: await answered(excessive(namespaces, writes), (may) => may)
  }
}
