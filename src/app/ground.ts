/** What everything else stands on: clock, log, what a reload replaces, the state, the trail. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Anchors, createAnchors } from '../audit/anchors.ts'
import { createRecorder, type Recorder, type RecorderOptions } from '../audit/recorder.ts'
import { createRedisSink, type RedisSink } from '../audit/redis-sink.ts'
import { createRedisTrail, type RedisTrail } from '../audit/redis-trail.ts'
import { hasSink } from '../audit/sinks.ts'
import { createTrail, type Trail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import type { Settings } from '../config/settings.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import { beginKey } from '../crypto/audit-key.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Sealer } from '../crypto/sealer.ts'
import type { Log } from '../kinds/provider.ts'
import { USER_AGENT } from '../kinds/shared/user-agent.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { LaterFormat, requireKnownFormat } from '../state/format.ts'
import { type OpenedState, openState } from '../state/open-state.ts'
import { createHistory, type History } from '../telemetry/history.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createMeter, type Meter } from '../telemetry/meter.ts'
import type { Tracer } from '../telemetry/tracing.ts'
import { type Live, prepare } from './live.ts'
import type { AppOverrides } from './overrides.ts'
import { openTracer, redisCallsOf } from './tracing.ts'

const MIB = 1024 * 1024

export interface Ground extends Pick<OpenedState, 'state' | 'shared'> {
  readonly parts: Lifecycle
  readonly overrides: AppOverrides
  /** The settings of the start; those that a reload changes stand in `live`. */
  readonly settings: Settings
  readonly dataDir: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly logger: Logger
  readonly log: Log
  /** Undefined: nothing is measured. */
  readonly meter: Meter | undefined
  /** Undefined: there is no console. */
  readonly history: History | undefined
  /** Undefined: no traces. */
  readonly tracer: Tracer | undefined
  readonly fetch: typeof globalThis.fetch
  readonly live: () => Live
  /** The key ring in `live`. */
  readonly keyring: () => Keyring
  readonly sealer: () => Sealer
  readonly replaceLive: (next: Live) => void
  readonly trail: Trail
  /** What the processes of all replicas have on record in Redis; undefined where AUDIT_SINKS is without redis. */
  readonly redisTrail: RedisTrail | undefined
  readonly recording: RecorderOptions
  readonly recorder: Recorder
}

const fetchAs =
  (send: typeof globalThis.fetch): typeof globalThis.fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('user-agent', USER_AGENT)
    return send(input, { ...init, headers })
  }

const observerOf = (
  { observe }: AppOverrides,
  { meter, history }: Pick<Ground, 'meter' | 'history'>
): RecorderOptions['observe'] => {
  const all = [meter?.observed, history?.observed, observe].filter((one) => one !== undefined)
  if (all.length < 2) return all[0]
  return (observed) => {
    for (const tell of all) tell(observed)
  }
}

/** Redis as a sink, and the questions to what all have put there. */
const openRedisTrail = (
  { settings, dataDir }: Config,
  { now = Date.now, worker }: AppOverrides,
  { state, openStreams }: Pick<OpenedState, 'state' | 'openStreams'>,
  sealer: () => Sealer
): { readonly sink: RedisSink; readonly redisTrail: RedisTrail } | undefined => {
  const { AUDIT_SINKS, ENVIRONMENT: environment } = settings
  const streams = hasSink(AUDIT_SINKS, 'redis') ? openStreams?.() : undefined
  if (streams === undefined) return undefined
  const common = { streams, state, sealer, environment, folder: join(dataDir, 'audit'), now }
  const sink = createRedisSink({
    ...common,
    writer: worker && String(worker.number),
    isInFiles: AUDIT_SINKS.some(({ name, isRequired }) => name === 'file' && isRequired),
    maxBytes: settings.AUDIT_REDIS_MB * MIB,
    retentionDays: settings.AUDIT_RETENTION_DAYS
  })
  return { sink, redisTrail: createRedisTrail(common) }
}

const openTrail = (
  { settings, dataDir, auditor }: Config,
  overrides: AppOverrides,
  {
    keyring,
    anchors,
    meter,
    history,
    log,
    redis
  }: Pick<Ground, 'keyring' | 'meter' | 'history' | 'log'> & {
    anchors: Anchors
    redis: RedisSink | undefined
  }
) => {
  const { now = Date.now, worker } = overrides
  const trail = createTrail({
    directory: dataDir,
    writer: worker && String(worker.number),
    beginKey: (instance) => beginKey(keyring().active, auditor, instance),
    beginChain: overrides.beginChain,
    onAnchor: anchors.note,
    now,
    fsync: settings.AUDIT_FSYNC,
    sinks: settings.AUDIT_SINKS,
    redis,
    log
  })
  anchors.watch(trail)
  const record = settings.AUDIT_REQUIRED
    ? trail.append
    : (event: AuditEvent): Promise<void> =>
        trail.append(event).catch(() => log('error', 'a decision could not be recorded'))
  const observe = observerOf(overrides, { meter, history })
  return { trail, recording: { environment: settings.ENVIRONMENT, record, log, observe } }
}

/** Before anything is written to it. A Redis that is away keeps no service from starting. */
const checkFormat = ({ state }: Pick<OpenedState, 'state'>, log: Log): Promise<void> =>
  requireKnownFormat(state).catch((error: unknown) => {
    if (error instanceof LaterFormat) throw error
    log('warn', 'in which format the state is kept is not known, since it cannot be read')
  })

export const openGround = async (
  config: Config,
  overrides: AppOverrides,
  parts: Lifecycle
): Promise<Ground> => {
  const { settings, dataDir, redis } = config
  const { now = Date.now } = overrides
  const logger = overrides.logger ?? createLogger(settings.LOG_LEVEL)
  const log: Log = (level, message, fields = {}) => logger[level](fields, message)
  let live = prepare(config, overrides.environ ?? {}, now)
  const keyring = () => live.keyring
  const meter = settings.METRICS_ENABLED
    ? createMeter((name) => live.stores.get(name) !== undefined)
    : undefined
  const history = settings.CONSOLE_ENABLED ? createHistory(now) : undefined
  const tracer = await openTracer(config, log)
  // First, and so closed last: requests may be under way up to then.
  if (tracer !== undefined) parts.add(tracer)
  const redisCalls = redisCallsOf(meter, tracer)
  const opened = await openState({
    dataDir,
    redis,
    keyring,
    log,
    hasStreams: hasSink(settings.AUDIT_SINKS, 'redis'),
    redisCalls
  })
  const { state, shared } = opened
  parts.add({ start: () => shared?.start(), close: opened.close })
  await checkFormat(opened, log)
  const anchors = parts.add(createAnchors({ state, log, now }))
  const sealer = () => live.sealer
  const inRedis = openRedisTrail(config, overrides, opened, sealer)
  const sink = inRedis && parts.add(inRedis.sink)
  const seams = { keyring, anchors, meter, history, log, redis: sink }
  const { trail, recording } = openTrail(config, overrides, seams)
  parts.add(trail)
  parts.add({ close: () => live.stores.close() })
  return {
    parts,
    overrides,
    settings,
    dataDir,
    now,
    logger,
    log,
    meter,
    history,
    tracer,
    fetch: fetchAs(overrides.fetch ?? globalThis.fetch),
    live: () => live,
    keyring,
    sealer,
    replaceLive: (next) => {
      live = next
    },
    state,
    shared,
    trail,
    redisTrail: inRedis?.redisTrail,
    recording,
    recorder: createRecorder(recording)
  }
}
