/**
 * The page of each kind of store: what a person has written in its folder, in <kind>.md, joined with what the code
 * knows. Rule: settings, codes and statuses come from the code; a page that names a fault which does not exist cannot
 * be made.
 *
 * In the written part `<!-- settings -->` becomes the tables of the settings, `{{reason}}` what a caller sees of a
 * fault, and `<!-- faults -->` the rows of the faults that every peer can have.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROBLEMS, problemOfFault } from '../src/core/problem.ts'
import { catalog } from '../src/kinds/catalog.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Credential } from '../src/kinds/provider.ts'

/** The parts of a JSON schema that our settings are made of. */
interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly description?: string
}
type Member = readonly [name: string, schema: Schema, isRequired: boolean]

const LONGEST_LINE = 150

const wrap = (text: string): string =>
  text.replaceAll(new RegExp(`(.{1,${LONGEST_LINE}})(?: |$)`, 'g'), '$1\n').trimEnd()

const membersOf = ({ properties = {}, required = [] }: Schema): Member[] =>
  Object.entries(properties).map(([name, schema]) => [name, schema, required.includes(name)])

const CREDENTIAL_WAYS: readonly Schema[] = Credential.anyOf

const isCredential = ({ anyOf = [] }: Schema): boolean =>
  CREDENTIAL_WAYS.every((way) => anyOf.some((one) => one.description === way.description))

/** The objects between which a `method` chooses; undefined for what is no such choice. */
const waysOf = ({ anyOf = [] }: Schema): readonly Schema[] | undefined =>
  anyOf.length > 0 && anyOf.every(({ properties }) => properties?.['method']) ? anyOf : undefined

const typeOf = (schema: Schema): string => {
  const { anyOf, items, type } = schema
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (waysOf(schema) !== undefined) return 'one of the ways below'
  if (isCredential(schema)) {
    const others = (anyOf ?? []).filter(({ properties }) => properties === undefined)
    return [...others.map(typeOf), 'a [credential](#credentials)'].join(' or ')
  }
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (items !== undefined) return items.properties ? 'list, see below' : `list of ${typeOf(items)}s`
  return type === 'boolean' ? '`true` or `false`' : type === 'string' ? 'text' : String(type)
}

/** Members whose row would be too long stand below the table. */
const tableOf = (members: readonly Member[]): string => {
  const notes: string[] = []
  const rows = members.map(([name, schema, isRequired]) => {
    const { description = '' } = schema
    const start = `| \`${name}\` |${isRequired ? ' yes ' : ' '}| ${typeOf(schema)} |`
    if (start.length + description.length + 3 <= LONGEST_LINE) return `${start} ${description} |`
    notes.push(wrap(`\`${name}\`: ${description}.`))
    return `${start} see below |`
  })
  return [['| member | required | is | |', '|---|---|---|---|', ...rows].join('\n'), ...notes].join(
    '\n\n'
  )
}

/** A member that has members of its own, or several ways to have them. */
const partOf = ([name, schema]: Member): string[] => {
  const { items } = schema
  if (items?.properties !== undefined) {
    return [`### Each of \`${name}\``, tableOf(membersOf(items))]
  }
  const ways = waysOf(schema)
  if (ways === undefined) return []
  return [
    `### \`${name}\``,
    ...ways.flatMap((way) => {
      const [method, ...others] = membersOf(way)
      const [, said] = method ?? []
      const lead = wrap(`**\`${name}: { method: ${said?.const} }\`**: ${said?.description}.`)
      return others.length === 0 ? [lead] : [lead, tableOf(others)]
    })
  ]
}

const usesCredentials = (schema: Schema): boolean =>
  isCredential(schema) ||
  [...(schema.anyOf ?? []), ...membersOf(schema).map(([, member]) => member)].some(usesCredentials)

const credentials = (): string[] => {
  const ways = CREDENTIAL_WAYS.map((way) => {
    const [member] = membersOf(way)
    return `- \`{ ${member?.[0]}: … }\`: ${way.description}`
  })
  const lead = '`purser.yaml` never holds a credential, only where it is:'
  return ['### Credentials', [lead, '', ...ways].join('\n')]
}

const quotaOf = ({ quota }: Kind): string => {
  const lead =
    '`quota: { perSecond, burst }` bounds the calls of all replicas together, each an equal share'
  if (quota === undefined) return `${lead}; without it there is no bound.`
  const [perSecond, burst] = [quota.perSecond, quota.burst].map((n) => n.toLocaleString('en'))
  return `${lead}; the default is ${perSecond} a second, and ${burst} at once after a rest.`
}

const PROXY =
  '`proxy: http://user:password@host:port` reaches it through an outgoing proxy, by CONNECT: the proxy sees only host and port, and the certificate is that of the store; `proxy: environment` takes HTTPS_PROXY and NO_PROXY. Without `proxy` none is used, and never for this machine, metadata services and the cluster.'

const settingsOf = (plugin: Kind): string => {
  const { settings, tags } = plugin
  const members = membersOf(settings as Schema)
  const common = [
    'Every store has `name`, which references and policies begin with, and `kind`.',
    tags === undefined
      ? 'It cannot have `requireTags`: secrets of this kind have no tags.'
      : `With \`requireTags\` only secrets that have those ${tags} are read and written.`,
    quotaOf(plugin),
    plugin.proxies === undefined ? 'It has no `proxy`.' : PROXY,
    members.length === 0 ? 'There is nothing else to set.' : ''
  ]
  return [
    wrap(common.join(' ')),
    ...(members.length > 0 ? [tableOf(members)] : []),
    ...members.flatMap(partOf),
    ...(usesCredentials(settings as Schema) ? credentials() : [])
  ].join('\n\n')
}

const seen = (reason: string): string => {
  const code = problemOfFault[reason as keyof typeof problemOfFault]
  if (code === undefined) throw new Error(`there is no fault "${reason}"`)
  return `\`${code}\` (${PROBLEMS[code].status})`
}

const FAULTS = `\
| a certificate that cannot be verified, a failed TLS handshake | {{misconfigured}} |
| no connection, a broken connection, a redirect, 5xx, a proxy's status other than 401, 403 and 429 | {{unavailable}} |
| an answer that is not the peer's: HTML, another shape, cut off | {{invalid_answer}} |
| no answer within UPSTREAM_TIMEOUT_MS | {{timeout}} |
`

/** The page of the kind; `text` is its written part, and `path` that part's file. */
const renderPage = (plugin: Kind, path: string, text: string): string =>
  `<!-- Made by \`npm run docs\` of ${path} and the code beside it. -->\n\n${text}`
    .replace('<!-- settings -->', () => settingsOf(plugin))
    .replace('<!-- faults -->\n', () => FAULTS)
    .replaceAll(/\{\{(\w+)\}\}/g, (_, reason: string) => seen(reason))

const KINDS = 'src/kinds'

export const renderStores = (): Record<string, string> => {
  const files = readdirSync(KINDS, { recursive: true, encoding: 'utf8' })
  return Object.fromEntries(
    catalog.map((plugin) => {
      const name = files.find((file) => file.endsWith(`/${plugin.kind}.md`))
      if (name === undefined) throw new Error(`there is no ${plugin.kind}.md in its folder`)
      const path = join(KINDS, name)
      const page = renderPage(plugin, path, readFileSync(path, 'utf8'))
      return [`docs/stores/${plugin.kind}.md`, page]
    })
  )
}
