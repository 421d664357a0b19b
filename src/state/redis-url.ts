/**
 * REDIS_URL in its forms: one server, Sentinel, Cluster, each over TCP or TLS, and a Unix socket. Rule: what is not
 * understood is a fault, and a fault is a sentence about the rule that never quotes the text, since a password may
 * stand anywhere in it.
 */
import { isIP } from 'node:net'

export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** PEM, as it stands at the moment: what is renewed counts from the next connection on. */
export interface RedisCredentials {
  /** Instead of the public authorities. */
  readonly ca?: Buffer
  /** What this client shows of itself. */
  readonly cert?: Buffer
  readonly key?: Buffer
}

interface User {
  readonly username?: string
  readonly password?: string
}

interface Access extends User {
  readonly tls: boolean
  readonly credentials?: () => RedisCredentials
  /** At least one; a single server has exactly one. */
  readonly nodes: readonly [RedisNode, ...RedisNode[]]
}

export type RedisAddress =
  | (Access & { readonly kind: 'single'; readonly db: number })
  | (User & { readonly kind: 'socket'; readonly path: string; readonly db: number })
  | (Access & {
      readonly kind: 'sentinel'
      readonly master: string
      readonly db: number
      readonly sentinelPassword?: string
    })
  | (Access & { readonly kind: 'cluster' })

// scheme | topology | user and password | hosts | path | query; no fragment.
const FORM =
  /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^?#\s]*))?(?:\?([^#\s]*))?$/
const HOST =
  /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)(?::(\d{1,5}))?$/
// user and password | path | query
const SOCKET_FORM = /^(?:redis\+)?unix:\/\/(?:([^@/?#\s]*)@)?(\/[^?#\s]*)(?:\?([^#\s]*))?$/
/** What Linux takes (unix(7)), without the byte that ends it. */
const LONGEST_SOCKET = 107
const MASTER = /^[A-Za-z0-9._-]{1,64}$/
const LAST_DB = 9_999

const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a user or password that is not percent-encoded')
  }
}

const parseNode = (text: string, fallback: number): RedisNode => {
  const [, written = '', digits] = HOST.exec(text) ?? []
  const host = written.replace(/^\[|\]$/g, '')
  const port = digits === undefined ? fallback : Number(digits)
  if (host === '' || (written !== host && isIP(host) !== 6) || port < 1 || port > 65_535) {
    throw new Error('must name each host as host or host:port')
  }
  return { host, port }
}

const parseDb = (text: string | undefined): number => {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,4}$/.test(text) || Number(text) > LAST_DB) {
    throw new Error('must have the number of a database as its path')
  }
  return Number(text)
}

const parseUser = (text: string | undefined): User => {
  if (text === undefined || text === '') return {}
  const colon = text.indexOf(':')
  const username = decode(colon < 0 ? text : text.slice(0, colon))
  const password = colon < 0 ? '' : decode(text.slice(colon + 1))
  if (password === '') {
    throw new Error('must give a password after the user, or after a colon: redis://:password@host')
  }
  return { ...(username !== '' && { username }), password }
}

const sentinelPasswordIn = (query: string | undefined): { sentinelPassword?: string } => {
  if (query === undefined || query === '') return {}
  const [name, value = '', ...others] = query.split('=')
  if (name !== 'sentinelPassword' || value === '' || others.length > 0 || value.includes('&')) {
    throw new Error('may have nothing in its query but sentinelPassword')
  }
  return { sentinelPassword: decode(value) }
}

const parseSocket = ([, user, written = '', query = '']: RegExpExecArray): RedisAddress => {
  const path = decode(written)
  if (path.includes('\0') || path.endsWith('/') || Buffer.byteLength(path) > LONGEST_SOCKET) {
    throw new Error(`must name a socket by its path, of at most ${LONGEST_SOCKET} bytes`)
  }
  const [name, db, ...others] = query.split('=')
  if (query !== '' && (name !== 'db' || others.length > 0)) {
    throw new Error('may have nothing in its query but db, for a socket')
  }
  return { kind: 'socket', ...parseUser(user), path, db: parseDb(db) }
}

/** Throws an Error with the end of a sentence. */
export const parseRedisUrl = (text: string): RedisAddress => {
  const socket = SOCKET_FORM.exec(text)
  if (socket !== null) return parseSocket(socket)
  const match = FORM.exec(text)
  if (match === null) {
    throw new Error(
      'must be redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+sentinel://host,host/master, redis+cluster://host,host, or unix:///path/of/socket[?db=0]'
    )
  }
  const [, scheme, topology, user, hosts = '', path, query] = match
  const kind = (topology ?? 'single') as keyof typeof PORTS
  const [first = '', ...more] = hosts.split(',')
  const access: Access = {
    tls: scheme === 'rediss',
    ...parseUser(user),
    nodes: [parseNode(first, PORTS[kind]), ...more.map((host) => parseNode(host, PORTS[kind]))]
  }
  if (kind !== 'sentinel' && (query ?? '') !== '') throw new Error('must have no query')
  if (kind === 'single') {
    if (more.length > 0)
      throw new Error('must name one host, or be redis+sentinel: or redis+cluster:')
    return { kind, ...access, db: parseDb(path) }
  }
  if (kind === 'cluster') {
    if ((path ?? '') !== '') throw new Error('must have no path: a cluster has one database')
    return { kind, ...access }
  }
  const [master = '', db, ...others] = (path ?? '').split('/')
  if (!MASTER.test(master) || others.length > 0) {
    throw new Error('must name the master that Sentinel knows as its path: /<master>[/<db>]')
  }
  return { kind, ...access, master, db: parseDb(db), ...sentinelPasswordIn(query) }
}

/** Throws an Error with the end of a sentence. Braces would move every key to one node of a cluster. */
export const parseRedisKeyPrefix = (text: string): string => {
  if (!/^[A-Za-z0-9:._/-]{1,64}$/.test(text)) {
    throw new Error('must have 1 to 64 letters, digits and :._/-')
  }
  return text
}
