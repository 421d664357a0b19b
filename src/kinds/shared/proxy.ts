/**
 * The way out of a network that has none but a proxy. Rule: CONNECT and nothing else, so that TLS is the store's from
 * end to end and the proxy sees a host and a port; this machine, metadata services and the cluster are never asked for
 * through it.
 */
import type { ClientRequest } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'

/** As a store has it; what is wrong with it is told by `faultOfProxy`, which quotes nothing. */
export const ProxySetting = Type.String({ minLength: 1, maxLength: 1024 })

export interface ProxyAddress {
  readonly host: string
  readonly port: number
  /** What goes in Proxy-Authorization. */
  readonly authorization?: string
}

/** Of a request by HTTP or gRPC, what takes a header. */
export type Marked = Pick<ClientRequest, 'headersSent'> & {
  readonly setHeader: (name: string, value: string) => unknown
}

/** Shown each request to a peer before its head is sent, so that it may add a header. */
export type Mark = (request: Marked) => void

export interface Route {
  /** The proxy for a host and port; undefined: straight there. */
  (host: string, port: number, isTls: boolean): ProxyAddress | undefined
  readonly mark?: Mark | undefined
}

export const straight: Route = () => undefined

const NEVER = new BlockList()
NEVER.addSubnet('127.0.0.0', 8)
NEVER.addAddress('0.0.0.0')
NEVER.addAddress('::1', 'ipv6')
NEVER.addAddress('::', 'ipv6')
// Link-local: the metadata services of all clouds, and of containers and pods (169.254.170.2, .23).
NEVER.addSubnet('169.254.0.0', 16)
NEVER.addSubnet('fe80::', 10, 'ipv6')
NEVER.addAddress('fd00:ec2::254', 'ipv6')
NEVER.addAddress('fd00:ec2::23', 'ipv6')
NEVER.addAddress('fd20:ce::254', 'ipv6')
// Alibaba's and Oracle's, and Azure's wire server.
for (const address of ['100.100.100.200', '192.0.0.192', '168.63.129.16']) NEVER.addAddress(address)

const NEVER_NAMED =
  /(^|\.)(localhost|metadata\.google\.internal|metadata\.goog|metadata|instance-data|instance-data\.ec2\.internal|svc|cluster\.local|kubernetes|kubernetes\.default)$/

/** A host as it is compared: in lower case, without the brackets of IPv6 and the dot of the root. */
export const withoutBrackets = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')

const isWithin = (list: BlockList, host: string): boolean => {
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

const isNever = (host: string): boolean => isWithin(NEVER, host) || NEVER_NAMED.test(host)

/** Throws `Error` with a sentence that quotes nothing. */
const parseProxy = (text: string): ProxyAddress => {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) {
    throw new Error('must be http://host:port, or `environment`')
  }
  const { hostname, port, pathname, search, hash, username, password } = new URL(text)
  if (pathname !== '/' || search !== '' || hash !== '' || hostname === '') {
    throw new Error('must be http://host:port and nothing behind it')
  }
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return {
      host: withoutBrackets(hostname),
      port: port === '' ? 80 : Number(port),
      ...(username !== '' && {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`
      })
    }
  } catch {
    throw new Error('has a user or a password with a `%` that is no percent-escape')
  }
}

/** A sentence about a setting that makes no sense, which quotes nothing of it. */
export const faultOfProxy = (setting: string): string | undefined => {
  if (setting === 'environment') return undefined
  try {
    parseProxy(setting)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Without user and password. */
export const shownProxy = (setting: string): string => {
  if (setting === 'environment') return setting
  const { host, port } = parseProxy(setting)
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

type Environ = (name: string) => string | undefined

/**
 * NO_PROXY as curl and Go take it: `*`, hosts, domains with or without a dot before them, networks, each with a port
 * perhaps.
 */
const isExempt = (list: string, host: string, port: number): boolean =>
  list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, network, bits] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(entry) ?? []
      if (network !== undefined) {
        const family = isIP(network)
        if (family === 0 || Number(bits) > (family === 6 ? 128 : 32)) return false
        const within = new BlockList()
        within.addSubnet(network, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
        return isWithin(within, host)
      }
      const [, name = entry, only] =
        isIP(withoutBrackets(entry)) === 0 ? (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []) : []
      if (only !== undefined && Number(only) !== port) return false
      const domain = withoutBrackets(name).replace(/^\*?\./, '')
      return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`))
    })

/** Lower-case names first, as curl has it. */
const fromEnvironment =
  (environ: Environ): Route =>
  (host, port, isTls) => {
    const first = (...names: string[]) => names.map(environ).find((value) => value)
    if (isExempt(first('no_proxy', 'NO_PROXY') ?? '', host, port)) return undefined
    const setting = isTls
      ? first('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY')
      : first('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY')
    try {
      return setting === undefined ? undefined : parseProxy(setting)
    } catch {
      throw new ProviderFault('misconfigured', { code: 'proxy' })
    }
  }

/** The route, on which requests are shown to `mark`. */
export const marked = (route: Route, mark: Mark | undefined): Route =>
  mark === undefined ? route : Object.assign((...to: Parameters<Route>) => route(...to), { mark })

/** `undefined` for a store without a proxy: nothing of the environment counts then. */
export const createRoute = (setting: string | undefined, environ: Environ, mark?: Mark): Route => {
  if (setting === undefined) return marked(straight, mark)
  const fixed = setting === 'environment' ? undefined : parseProxy(setting)
  const wanted = fixed === undefined ? fromEnvironment(environ) : () => fixed
  const route: Route = (host, port, isTls) => {
    const name = withoutBrackets(host)
    const isOfCluster = withoutBrackets(environ('KUBERNETES_SERVICE_HOST') ?? '') === name
    return isNever(name) || isOfCluster ? undefined : wanted(name, port, isTls)
  }
  return marked(route, mark)
}
