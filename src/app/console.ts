/** What the console's API needs of the parts. */
import { join } from 'node:path'
import { createRecordPlaces } from '../audit/record-place.ts'
import { endsAtConsole, signInOf } from '../config/sign-in.ts'
import { addConsoleApi, SIGN_IN_PATH } from '../console/api.ts'
import { createDoctor } from '../console/doctor.ts'
import { createEventStreams } from '../console/event-streams.ts'
import { type OverviewOptions, overviewOf } from '../console/overview.ts'
import type { ReachOptions } from '../console/reach.ts'
import { createRetentionLook } from '../console/retention.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import type { Services } from '../http/routes/index.ts'
import { createTrySources } from '../integrations/credential-sources.ts'
import { compilePolicy } from '../kinds/references.ts'
import { createHistory } from '../telemetry/history.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'
import { leftoversOf } from './leftovers.ts'
import { codesOf, type SignIns } from './sessions.ts'

const EVENT_EVERY_MS = 5_000

const providersOf = (settings: Ground['settings']) => {
  const issuer = signInOf(settings)?.issuer
  if (issuer === undefined || !endsAtConsole(settings)) return []
  const { hostname } = new URL(issuer)
  const name = hostname === 'accounts.google.com' ? 'Google' : hostname
  return [{ name, path: SIGN_IN_PATH }]
}

const retentionOf = ({ settings, dataDir, keyring, state, sealer, now }: Ground) =>
  createRetentionLook({
    folder: join(dataDir, 'audit'),
    days: settings.AUDIT_RETENTION_DAYS,
    everyMinutes: settings.RETENTION_PURGE_ENABLED
      ? settings.RETENTION_PURGE_INTERVAL_MINUTES
      : undefined,
    findKey: (kid) => keyring().find(kid),
    state,
    leftovers: leftoversOf(sealer),
    now
  })

export const createConsoleApi = (
  ground: Ground,
  { revocations, usage }: Pick<Keys, 'revocations' | 'usage'>,
  { gate }: Pick<SignIns, 'gate'>,
  services: Services
): ((app: TypedFastify) => void) => {
  const { parts, overrides, settings, live, recorder, now, history = createHistory(now) } = ground
  const { ENVIRONMENT: environment } = settings
  const overview: OverviewOptions = {
    environment,
    stores: services.admin,
    cache: services.admin.cache,
    history,
    readiness: services.health.readiness,
    pendingRevocations: revocations.pending,
    startedAt: now()
  }
  const reach: ReachOptions = {
    rules: () => live().config.policies,
    policy: () => live().policy,
    compile: (rules) => compilePolicy(rules, now),
    book: () => live().book,
    usage,
    broker: services.secrets.broker
  }
  // Open streams would keep the listeners from closing.
  const streams = parts.add(
    createEventStreams({
      makeEvent: async () => JSON.stringify(await overviewOf(overview)),
      everyMs: EVENT_EVERY_MS
    })
  )
  const places = createRecordPlaces({
    folder: join(ground.dataDir, 'audit'),
    findKey: (kid) => ground.keyring().find(kid)
  })
  const { resources } = services.resources
  const integrations = {
    resources,
    ...createTrySources({ resources, broker: services.secrets.broker }),
    channels: services.channels.channels
  }
  const { doctor: examine } = overrides
  const doctor = examine && parts.add(createDoctor({ examine, now }))
  const retention = parts.add(retentionOf(ground))
  const providers = providersOf(settings)
  const codes = codesOf(ground)
  const rest = {
    recorder,
    log: ground.log,
    now,
    overview,
    reach,
    integrations,
    places,
    doctor,
    retention,
    streams,
    gate,
    codes
  }
  return (app) => addConsoleApi(app, { services, environment, providers, ...rest })
}
