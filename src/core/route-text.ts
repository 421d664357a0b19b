/**
 * A route as it goes on record, into metrics and into spans: `GET /v1/secrets/:name`, and of a dialect's door its name
 * before that, `vault GET /v1/:mount/data/*`. Rule: it is made of templates and fixed words, never of a URL.
 */

export interface RouteParts {
  /** Undefined: our own interface. */
  readonly dialect: string | undefined
  /** Empty where nothing of the request could be read. */
  readonly method: string
  /** Empty where the request has no route. */
  readonly template: string
}

/** `operation`: where a dialect has many behind one route, `aws POST / GetSecretValue`. */
export const routeText = (
  dialect: string | undefined,
  method: string,
  template: string,
  operation?: string
): string => {
  const prefix = dialect === undefined ? '' : `${dialect} `
  const suffix = operation === undefined ? '' : ` ${operation}`
  return `${prefix}${method} ${template}${suffix}`
}

// A method is in capitals, and a dialect is not.
const ROUTE = /^(?:([a-z][a-z-]*) )?([A-Z-]*) (.*)$/

/** Undefined for what is no route: `SIGHUP`, a command. */
export const routeParts = (route: string): RouteParts | undefined => {
  const [whole, dialect, method = '', template = ''] = ROUTE.exec(route) ?? []
  return whole === undefined ? undefined : { dialect, method, template }
}

/** The template with its dialect, by which routes are told apart that several doors have. */
export const placeOf = ({ dialect, template }: RouteParts): string =>
  dialect === undefined || template === '' ? template : `${dialect} ${template}`
