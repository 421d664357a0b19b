/** A reload, from files that were read: one after the other, whoever asks, with what is renewed between them. */
import type { Config } from '../config/config.ts'
import type { Environ } from '../config/env.ts'
import { createCertificates } from './certificates.ts'
import type { Ground } from './ground.ts'
import type { Secrets } from './secrets.ts'
import type { Servers } from './servers.ts'
import type { ConnectedStores } from './stores.ts'

/** Where files are mounted, a renewal takes a minute to arrive anyway. */
const CERTIFICATES_EVERY_MS = 30_000

const inTurn = <A extends unknown[]>(
  work: (...args: A) => Promise<void>
): ((...args: A) => Promise<void>) => {
  let last: Promise<void> = Promise.resolve()
  return (...args) => {
    last = last.catch(() => {}).then(() => work(...args))
    return last
  }
}

/** Of all that a reload may replace, certificates included, which are looked at in between too. */
export const createReload = (
  config: Config,
  {
    ground,
    stores,
    secrets,
    integrations
  }: {
    readonly ground: Ground
    readonly stores: ConnectedStores
    readonly secrets: Secrets
    readonly integrations: { readonly refresh: () => Promise<unknown> }
  },
  listeners: Servers['listeners']
) => {
  /** As it was asked for, with definitions that are not read yet. */
  let inForce: readonly [Config, Environ] = [config, ground.live().environ]
  const reload = inTurn(async (wanted: Config, environ: Environ): Promise<void> => {
    secrets.forget(await stores.reload(wanted, environ))
    inForce = [wanted, environ]
    await integrations.refresh()
  })
  const certificates = ground.parts.add(
    createCertificates({
      ground,
      listeners,
      tls: config.tls,
      reloadStores: () => reload(...inForce),
      everyMs: ground.overrides.certificatesEveryMs ?? CERTIFICATES_EVERY_MS
    })
  )
  return async (wanted: Config, environ: Environ): Promise<void> => {
    await reload(wanted, environ)
    await certificates.look()
  }
}
