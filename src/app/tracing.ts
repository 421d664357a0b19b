/** Traces, where OTEL_* ask for them; what they are made with is not even loaded elsewhere. */
import type { Config } from '../config/config.ts'
import type { Log } from '../kinds/provider.ts'
import type { OnCall } from '../state/redis-link.ts'
import type { Meter } from '../telemetry/meter.ts'
import type { Tracer } from '../telemetry/tracing.ts'

export const openTracer = async (
  { settings, tracing }: Config,
  log: Log
): Promise<Tracer | undefined> => {
  if (tracing === undefined) return undefined
  const { createTracer } = await import('../telemetry/tracing.ts')
  return createTracer({ ...tracing, environment: settings.ENVIRONMENT, log })
}

type RedisCalls = Readonly<Record<'shared' | 'state', OnCall>>

export const redisCallsOf = (
  meter: Meter | undefined,
  tracer: Tracer | undefined
): RedisCalls | undefined => {
  const both = [meter?.redisCalls, tracer?.redisCalls].filter((one) => one !== undefined)
  const [first, ...others] = both
  if (first === undefined || others.length === 0) return first
  const all =
    (use: keyof RedisCalls): OnCall =>
    (...call) => {
      for (const one of both) one[use](...call)
    }
  return { shared: all('shared'), state: all('state') }
}
