/**
 * openapi.yaml as a page to read, made once at the start. Rule: text and style alone: nothing is fetched and no script
 * runs, and the page's policy forbids both.
 */
import { createHash } from 'node:crypto'
import { parse } from 'yaml'

interface Media {
  readonly schema?: object
  readonly example?: unknown
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: { readonly oneOf?: readonly { readonly properties?: object }[] }
}
interface Operation {
  readonly operationId: string
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>> }>
  >
}
interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: { readonly Problem: { readonly description: string } } }
}

export interface DocsPage {
  readonly html: string
  /** Content-Security-Policy. */
  readonly policy: string
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:3rem;border-bottom:1px solid}section{margin:2rem 0}h3,code,pre{font-family:ui-monospace,monospace}h3{font-size:1rem}
pre{overflow:auto;padding:.75rem;border:1px solid;border-radius:.25rem;font-size:.85rem}nav li{list-style:none}td{padding:.1rem 1rem .1rem 0;vertical-align:top}`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;'
}
const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => ENTITIES[one] ?? '')

/** Headings, each with a pattern of its paths: the first that matches counts. */
const GROUPS: readonly (readonly [heading: string, paths: RegExp])[] = [
  ['Administrators', /^\/v1\/admin\//],
  ['Secrets, bots, channels', /^\/v1\//],
  ['Services and proxies', /^\/internal\//],
  ['Probes and this description', /./]
]

const asText = (example: unknown): string =>
  typeof example === 'string' ? example : JSON.stringify(example, null, 2)

const examplesOf = (
  heading: string,
  contents: readonly (Readonly<Record<string, Media>> | undefined)[]
): string =>
  contents
    .flatMap((content = {}) => Object.entries(content))
    .filter(([type, { example }]) => example !== undefined && !type.includes('problem'))
    .map(
      ([type, { example }]) =>
        `<p>${heading}, <code>${escaped(type)}</code>:</p><pre>${escaped(asText(example))}</pre>`
    )
    .join('')

const namesOf = ({ name, schema }: Parameter): string =>
  schema?.oneOf === undefined
    ? name
    : schema.oneOf.map(({ properties = {} }) => Object.keys(properties).join(', ')).join(' | ')

const parametersOf = (parameters: readonly Parameter[]): string => {
  if (parameters.length === 0) return ''
  const rows = parameters.map((one) => {
    const { required, description = '' } = one
    const names = `<code>${escaped(namesOf(one))}</code>`
    return `<tr><td>${names}</td><td>${one.in}${required ? '' : ', optional'}</td><td>${escaped(description)}</td></tr>`
  })
  return `<table>${rows.join('')}</table>`
}

const sectionOf = (path: string, method: string, operation: Operation): string => {
  const { operationId, summary = '', description = '', parameters = [] } = operation
  return `<section id="${operationId}"><h3>${method.toUpperCase()} ${escaped(path)}</h3>
<p>${escaped(summary)}. ${escaped(description)}</p>${parametersOf(parameters)}${examplesOf('Body', [operation.requestBody?.content])}${examplesOf(
    'Answer',
    Object.values(operation.responses).map(({ content }) => content)
  )}</section>`
}

export const renderDocs = (openapi: string): DocsPage => {
  const { info, paths, components }: Document = parse(openapi)
  const all = Object.entries(paths).flatMap(([path, item]) => {
    const operations = Object.entries(item)
    // Forward-auth is the same for every method.
    const shown = operations.length > 5 ? operations.slice(0, 1) : operations
    return shown.map(([method, operation]) => ({ path, method, operation }))
  })
  const groupOf = (path: string): string => GROUPS.find(([, paths]) => paths.test(path))?.[0] ?? ''
  const groups = GROUPS.map(([heading]) => {
    const own = all.filter(({ path }) => groupOf(path) === heading)
    const links = own.map(
      ({ path, method, operation }) =>
        `<li><a href="#${operation.operationId}"><code>${method.toUpperCase()} ${escaped(path)}</code></a></li>`
    )
    const sections = own.map(({ path, method, operation }) => sectionOf(path, method, operation))
    return `<h2>${heading}</h2><nav><ul>${links.join('')}</ul></nav>${sections.join('')}`
  })
  const codes = components.schemas.Problem.description
  const hash = createHash('sha256').update(STYLE).digest('base64')
  return {
    html: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(info.title)} ${escaped(info.version)}</title><style>${STYLE}</style>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1><p>${escaped(info.description)}</p><p><a href="openapi.yaml">openapi.yaml</a></p>${groups.join('')}<h2>Codes of problems</h2><pre>${escaped(codes)}</pre></html>`,
    policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  }
}
