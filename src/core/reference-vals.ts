/**
 * References as helmfile's vals writes them: `ref+<backend>://<path>[?<parameters>][#/<field>]`. Rule: a parameter may
 * say where the secret is only if a configured store is there; whatever else vals lets a reference choose (a role, a
 * profile, a token, a file) belongs to the broker's configuration and is refused.
 */
import { malformed } from './reference-grammar.ts'
import { type Form, type NamedStores, type ParsedForm, parameters } from './reference-written.ts'

export const VALS = 'a vals reference'

/** A kind of store as vals knows it. */
export interface ValsBackend {
  readonly parameters: readonly string[]
  readonly read: (
    path: string,
    given: ReadonlyMap<string, string>,
    field: string | undefined,
    stores: NamedStores
  ) => ParsedForm
}

/** vals walks into an object along its fragment, as a JSON pointer does. */
const pointer = (fragment: string | undefined): string | undefined => {
  if (fragment === undefined || /^\/./.test(fragment)) return fragment
  throw malformed(VALS, 'its field is #/ and a name, or several with slashes between them')
}

const VALS_TEXT = /^(?:secret)?ref\+([a-z0-9]+):\/\/(.*)$/

export const createVals = (backends: ReadonlyMap<string, ValsBackend>): Form => ({
  begins: ['ref+', 'secretref+'],
  read: ({ head, query, field }, stores) => {
    const [, name = '', path = ''] = VALS_TEXT.exec(head) ?? []
    const backend = backends.get(name)
    if (backend === undefined) {
      throw malformed(VALS, `its backend is one of ${[...backends.keys()].join(', ')}`)
    }
    // In vals a plus sign ends the expression: what follows would be another one, or text around it.
    if ([path, query, field].some((part) => part?.includes('+'))) {
      throw malformed(VALS, 'it is one expression, without a plus sign in it or after it')
    }
    return backend.read(path, parameters(VALS, query, backend.parameters), pointer(field), stores)
  }
})
