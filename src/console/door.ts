/**
 * The administrators' page and what it asks, below /console. Rule: who listens on this machine alone is spoken to by its
 * name, and pages of no other origin may call.
 */
import type { Door, Listener } from '../http/door.ts'
import { nativeDoor, parseBody } from '../http/native.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import type { Assets } from './assets.ts'
import { refuseOtherHosts } from './own-host.ts'
import { addPage } from './page.ts'
import { onlyReports, REPORT_TYPE } from './policy-reports.ts'

export interface ConsoleDoorOptions {
  readonly assets: Assets
  /** Undefined: the public listener. */
  readonly listener: Listener | undefined
  /** Where that listener is bound. */
  readonly host: string
  /** Whether TRUST_PROXY names a proxy. */
  readonly isProxied: boolean
  /** What the page asks, below /console/api. */
  readonly addApi: (app: TypedFastify) => void
}

export const CONSOLE_DOOR = 'console'

export const consoleDoor = (options: ConsoleDoorOptions): Door => {
  const { assets, listener, host, isProxied, addApi } = options
  const refuse = refuseOtherHosts(host, isProxied)
  const addRoutes = (app: TypedFastify): void => {
    if (refuse !== undefined) app.addHook('onRequest', refuse)
    addPage(app, assets)
    addApi(app)
  }
  const door = nativeDoor({ listener, corsOrigins: undefined, addRoutes })
  return {
    ...door,
    parsers: { ...door.parsers, [REPORT_TYPE]: onlyReports(parseBody) },
    name: CONSOLE_DOOR,
    prefix: '/console'
  }
}
