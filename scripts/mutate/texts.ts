/**
 * What is not mutated: text that people read, since another wording of it is no fault. What programs read (codes, reasons, names of
 * members, patterns, labels of keys) is mutated as all else is.
 */
interface Named {
  readonly name?: string
}
interface NodePath {
  readonly node: {
    readonly type: string
    readonly properties?: readonly { readonly key?: Named }[]
  }
  readonly parent?: { readonly type: string; readonly callee?: Named; readonly key?: Named }
}

const TEXTS = new Set(['StringLiteral', 'TemplateLiteral'])
const TOLD_TO_PEOPLE = new Set(['description', 'title', 'detail', 'message', 'holds', 'fails'])
/** They take nothing but a sentence and where it belongs. */
const TELLERS = new Set(['kind', 'report', 'malformed', 'log', 'matching', 'tooLong', 'described'])

/** `{ description: '…' }`, of which nothing would be left. */
const holdsTextAlone = ({ type, properties = [] }: NodePath['node']): boolean =>
  type === 'ObjectExpression' &&
  properties.length > 0 &&
  properties.every(({ key }) => TOLD_TO_PEOPLE.has(key?.name ?? ''))

const shouldIgnore = ({ node, parent }: NodePath): string | undefined => {
  if (holdsTextAlone(node)) return 'a text for people'
  if (!TEXTS.has(node.type) || parent === undefined) return undefined
  const called = parent.callee?.name ?? ''
  if (parent.type === 'NewExpression' && called.endsWith('Error')) return 'the text of an error'
  if (parent.type === 'CallExpression' && TELLERS.has(called)) return 'a text for people'
  if (parent.type === 'ObjectProperty' && TOLD_TO_PEOPLE.has(parent.key?.name ?? '')) {
    return 'a text for people'
  }
  return undefined
}

export const textsIgnorer = { kind: 'Ignore', name: 'texts', value: { shouldIgnore } } as const
