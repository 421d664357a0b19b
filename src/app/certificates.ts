/**
 * Certificates that are renewed while the service runs: its own, and the authorities by which stores are verified. Rule: the
 * files are looked at with each reload and at an interval, by their content; a pair that is at fault replaces nothing, and one
 * that has expired does, since the clock may be wrong: the log says so once. What Redis is reached with is read for each connection (config/redis.ts).
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import { ConfigError } from '../config/fault.ts'
import { faultsOfTls, readServerTls } from '../config/server-tls.ts'
import { firstEndIn } from '../core/certificate-end.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { contextOptions } from '../http/protocol.ts'
import { authorityFilesIn, readAuthorities } from '../secrets/authorities.ts'
import { isRenewed } from '../secrets/stores.ts'
import { every } from '../state/background.ts'
import { traceOf } from '../state/log.ts'
import type { Ground } from './ground.ts'
import type { Listening } from './servers.ts'

export interface CertificatesOptions {
  readonly ground: Ground
  readonly listeners: readonly Listening[]
  /** What the listeners were made with; undefined: no TLS. */
  readonly tls: ServerTls | undefined
  /** Connects stores anew whose authorities were renewed. */
  readonly reloadStores: () => Promise<void>
  readonly everyMs: number
}

/** In milliseconds since the epoch; `store` is empty for files that a setting names. */
export interface CertificateEnd {
  readonly setting: string
  readonly store: string
  readonly endsAt: number
}

export interface Certificates {
  /** Takes over what was renewed. Never rejects. */
  readonly look: () => Promise<void>
  readonly close: () => void
}

const digestOf = ({ cert, key, clientCa }: ServerTls): string => {
  const hash = createHash('sha256')
  for (const part of [cert, key, clientCa ?? '']) hash.update(part).update('\0')
  return hash.digest('base64url')
}

/** The files as they are; throws ConfigError for what cannot be served with. */
const readSound = ({ settings, live }: Ground): ServerTls | undefined => {
  const tls = readServerTls(settings, live().config.folder)
  const faults = tls === undefined ? [] : faultsOfTls(tls)
  if (faults.length > 0) throw new ConfigError(faults)
  return tls
}

const endOf = (tls: ServerTls): string => {
  const endsAt = firstEndIn(tls.cert)
  return endsAt === undefined ? 'unknown' : new Date(endsAt).toISOString()
}

const createOwn = ({ ground, listeners, tls }: CertificatesOptions) => {
  const { log } = ground
  let inForce = tls && digestOf(tls)
  let told = ''
  return (): void => {
    if (inForce === undefined) return
    let next: ServerTls | undefined
    try {
      next = readSound(ground)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const why = error.faults.map(({ place, message }) => `${place}: ${message}`).join('; ')
      if (why !== told) log('error', 'the former certificate is served on', { why })
      told = why
      return
    }
    told = ''
    if (next === undefined || digestOf(next) === inForce) return
    for (const { server } of listeners) {
      if (server.server instanceof TlsServer) server.server.setSecureContext(contextOptions(next))
    }
    inForce = digestOf(next)
    log('info', 'the certificate was renewed', { until: endOf(next) })
  }
}

/** Says once of each file that its certificate, or one of its authorities, has expired: while it is in force or as it comes. */
const createExpiry = (ground: Ground) => {
  let told: ReadonlySet<string> = new Set()
  return (): void => {
    const now = ground.now()
    const expired = certificateEnds(ground).filter(({ endsAt }) => endsAt <= now)
    for (const end of expired) {
      if (told.has(JSON.stringify(end))) continue
      const { setting, store, endsAt } = end
      const since = new Date(endsAt).toISOString()
      const fields = { setting, ...(store !== '' && { store }), since }
      ground.log('warn', 'a certificate has expired', fields)
    }
    told = new Set(expired.map((end) => JSON.stringify(end)))
  }
}

export const createCertificates = (options: CertificatesOptions): Certificates => {
  const { ground, reloadStores, everyMs } = options
  const lookAtOwn = createOwn(options)
  const tellExpired = createExpiry(ground)
  let isFailing = false
  const lookAtStores = async (): Promise<void> => {
    const renewed = ground.live().stores.all().filter(isRenewed)
    if (renewed.length === 0) return
    try {
      await reloadStores()
      isFailing = false
      for (const { spec } of renewed) {
        ground.log('info', 'the authorities of a store were renewed', { store: spec.name })
      }
    } catch (error) {
      if (!isFailing) {
        ground.log('error', 'stores go on with their former authorities', traceOf(error))
      }
      isFailing = true
    }
  }
  const look = async (): Promise<void> => {
    lookAtOwn()
    await lookAtStores()
    tellExpired()
  }
  tellExpired()
  const watching = every('watching of certificates', everyMs, look)
  return { look, close: watching.close }
}

/** Of every file with certificates that is configured, as it is now; what cannot be read is left out. */
export const certificateEnds = ({ settings, live }: Ground): readonly CertificateEnd[] => {
  const { TLS_CERT_FILE, TLS_CLIENT_CA_FILE, REDIS_CA_FILE, REDIS_CERT_FILE } = settings
  const own = { TLS_CERT_FILE, TLS_CLIENT_CA_FILE, REDIS_CA_FILE, REDIS_CERT_FILE }
  const files = [
    ...Object.entries(own).map(([setting, file]) => ({ setting, store: '', file })),
    ...live()
      .stores.all()
      .flatMap(({ spec }) =>
        authorityFilesIn(spec.settings).map((file) => {
          return { setting: 'caCertFile', store: spec.name, file }
        })
      )
  ]
  const { folder } = live().config
  return files.flatMap(({ setting, store, file }) => {
    const pem = file === undefined ? undefined : readAuthorities(resolve(folder, file))
    const endsAt = pem && firstEndIn(pem)
    return endsAt === undefined ? [] : [{ setting, store, endsAt }]
  })
}
