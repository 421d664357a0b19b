/** Addresses of views: `#/audit?client=shop`. Rule: what stands in an address is a name or a question, never a secret. */

export const VIEWS = [
  'overview',
  'access',
  'keys',
  'audit',
  'stores',
  'integrations',
  'sessions',
  'doctor'
] as const
export type ViewName = (typeof VIEWS)[number]

export type Query = Readonly<Record<string, string>>

export interface Place {
  readonly view: ViewName
  readonly query: Query
}

const isView = (name: string): name is ViewName => (VIEWS as readonly string[]).includes(name)

/** An address that leads nowhere leads to the overview. */
export const placeOf = (hash: string): Place => {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  return isView(path)
    ? { view: path, query: Object.fromEntries(new URLSearchParams(query)) }
    : { view: 'overview', query: {} }
}

export const hashOf = (
  view: ViewName,
  query: Readonly<Record<string, string | undefined>> = {}
) => {
  const given = Object.entries(query).filter((one): one is [string, string] => Boolean(one[1]))
  const text = new URLSearchParams(given).toString()
  return `#/${view}${text === '' ? '' : `?${text}`}`
}

/** The code by which `npm start` signs its own user in: `#code=…`. */
export const codeIn = (hash: string): string | undefined =>
  /^#code=([A-Za-z0-9_-]{16,256})$/.exec(hash)?.[1]
