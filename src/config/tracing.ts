/**
 * Whether traces are exported, as OpenTelemetry's own variables say. Rule: its SDK reads them itself; here is read only
 * what has to be known before any of it is loaded, and nothing in them stops a start.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import type { Environ } from './env.ts'

export interface Tracing {
  readonly protocol: 'http/protobuf' | 'http/json'
}

interface TracingRead {
  /** Undefined: no traces. */
  readonly tracing: Tracing | undefined
  /** What cannot be done as it is asked, as sentences without values. */
  readonly notes: readonly string[]
}

const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']
const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']

const SAMPLERS: ReadonlySet<string> = new Set([
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio'
])

const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:\/\//i.test(text)

const isRatio = (text: string): boolean => {
  const ratio = Number(text)
  return ratio >= 0 && ratio <= 1
}

/** What the SDK would replace by its default without a word. */
const notesOnSampler = (sampler: string | undefined, arg: string | undefined): string[] => {
  if (sampler === undefined) return []
  if (!SAMPLERS.has(sampler)) {
    return [
      'OTEL_TRACES_SAMPLER: is no sampler that is known here, and parentbased_always_on counts'
    ]
  }
  if (!sampler.endsWith('traceidratio') || (arg !== undefined && isRatio(arg))) return []
  return ['OTEL_TRACES_SAMPLER_ARG: is no number from 0 to 1, and all traces are taken']
}

export const readTracing = (environ: Environ): TracingRead => {
  const given = (name: string): string | undefined => environ[name]?.trim() || undefined
  const first = (names: readonly string[]): string | undefined => names.find(given)
  const off = (...notes: string[]): TracingRead => ({ tracing: undefined, notes })

  if (given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return off()
  const exporters = given('OTEL_TRACES_EXPORTER')?.split(',')
  const endpoint = first(ENDPOINTS)
  if (exporters === undefined && endpoint === undefined) return off()
  const names = (exporters ?? ['otlp']).map((name) => name.trim())
  if (!names.includes('otlp')) {
    return names.includes('none')
      ? off()
      : off('OTEL_TRACES_EXPORTER: otlp or none is understood here, and no traces are exported')
  }
  if (endpoint !== undefined && !isHttp(given(endpoint) ?? '')) {
    return off(`${endpoint}: is no address with http: or https:, and no traces are exported`)
  }
  const named = first(PROTOCOLS)
  const protocol = (named && given(named)) ?? 'http/protobuf'
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    return off(`${named}: http/protobuf or http/json is spoken here, and no traces are exported`)
  }
  const notes = notesOnSampler(given('OTEL_TRACES_SAMPLER'), given('OTEL_TRACES_SAMPLER_ARG'))
  return { tracing: { protocol }, notes }
}
