/**
 * Follows requests by OpenTelemetry: a span for each, and below it one for each call of a store or of Redis. Rule: what
 * is taken in from a caller is the traceparent alone, of fixed form; exporting happens behind the requests' backs, and
 * what cannot be exported is dropped.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  TraceFlags,
  trace
} from '@opentelemetry/api'
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes
} from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter
} from '@opentelemetry/sdk-trace-base'
import {
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_URL_SCHEME
} from '@opentelemetry/semantic-conventions'
import type { Log } from '../kinds/provider.ts'
import type { Mark } from '../kinds/shared/proxy.ts'
import { PURSER_VERSION } from '../kinds/shared/user-agent.ts'
import type { Follow } from '../secrets/calls.ts'
import { withDeadline } from '../state/deadline.ts'
import type { OnCall } from '../state/redis-link.ts'
import type { Answered } from './meter.ts'
import { endCall, endRequest, methodOf } from './spans.ts'

export interface RequestSpan {
  /** What the work begins belongs to the request. */
  readonly within: (work: () => void) => void
  readonly end: (answered: Answered) => void
}

export interface Tracer {
  readonly beginRequest: (request: IncomingMessage) => RequestSpan
  readonly followOf: (store: string) => Follow
  readonly redisCalls: Readonly<Record<'shared' | 'state', OnCall>>
  /** Gives a request to a peer the traceparent of what it is sent for. */
  readonly mark: Mark
  /** Exports what is left, for two seconds at the most. */
  readonly close: () => Promise<void>
}

export interface TracerOptions {
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly environment: string
  readonly log: Log
}

const CLOSE_WITHIN_MS = 2_000

/** The SDK reads the rest from OTEL_*; what is not used is not loaded. */
const createExporter = async (protocol: TracerOptions['protocol']): Promise<SpanExporter> => {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter()
}

/** Says once that spans are lost, and once that they are not any more; never what the collector said. */
const telling = (exporter: SpanExporter, log: Log): SpanExporter => {
  let isLosing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const isLost = result.code !== ExportResultCode.SUCCESS
        if (isLost && !isLosing) log('warn', 'traces cannot be exported: they are dropped')
        if (!isLost && isLosing) log('info', 'traces are exported again')
        isLosing = isLost
        done(result)
      }),
    shutdown: () => exporter.shutdown()
  }
}

const resourceOf = (environment: string) =>
  defaultResource()
    .merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: 'purser',
        [ATTR_SERVICE_VERSION]: PURSER_VERSION,
        'service.instance.id': randomUUID(),
        'deployment.environment.name': environment
      })
    )
    .merge(detectResources({ detectors: [envDetector] }))

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const contextIn = ({ headers }: IncomingMessage): Context => {
  const given = headers['traceparent']
  const remote = typeof given === 'string' ? parseTraceParent(given) : null
  return remote === null
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true })
}

const isSampled = (span: Span): boolean =>
  (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0

const traceparentOf = (span: Span): string => {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-0${isSampled(span) ? 1 : 0}`
}

/** What a timer does that was set during a request, such as the renewal of a login, belongs to it no more. */
const isOver = (span: Span): boolean => isSampled(span) && !span.isRecording()

/** The span that whatever happens now belongs to. */
type Current = AsyncLocalStorage<Span>

type Begin = (name: string, options: SpanOptions, parent?: Span) => Span

const createFollowOf =
  (begin: Begin, current: Current): Tracer['followOf'] =>
  (store) =>
  async (operation, call) => {
    const attributes = { 'purser.store': store, 'purser.operation': operation }
    const options = { kind: SpanKind.CLIENT, attributes }
    const span = begin(`${operation} ${store}`, options, current.getStore())
    try {
      const result = await current.run(span, call)
      endCall(span, undefined)
      return result
    } catch (error) {
      endCall(span, error ?? null)
      throw error
    }
  }

const createRedisCall = (begin: Begin, current: Current, use: string): OnCall => {
  const attributes: Attributes = { [ATTR_DB_SYSTEM_NAME]: 'redis', 'purser.use': use }
  return (durationMs, isAnswered) => {
    const parent = current.getStore()
    // What a process does of its own accord, every few hundred milliseconds, would be traces of nothing.
    if (!parent?.isRecording()) return
    const endTime = Date.now()
    const options = { kind: SpanKind.CLIENT, attributes, startTime: endTime - durationMs }
    const span = begin(`redis ${use}`, options, parent)
    if (!isAnswered) span.setAttribute(ATTR_ERROR_TYPE, 'unavailable')
    span.end(endTime)
  }
}

const createProvider = async ({ protocol, environment, log }: TracerOptions) =>
  new BasicTracerProvider({
    resource: resourceOf(environment),
    spanProcessors: [new BatchSpanProcessor(telling(await createExporter(protocol), log))]
  })

export const createTracer = async (options: TracerOptions): Promise<Tracer> => {
  const provider = await createProvider(options)
  const spans = provider.getTracer('purser', PURSER_VERSION)
  const current: Current = new AsyncLocalStorage()
  const begin: Begin = (name, asked, parent) =>
    spans.startSpan(name, asked, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT)

  return {
    beginRequest: (request) => {
      const method = methodOf(request.method)
      const scheme = 'encrypted' in request.socket ? 'https' : 'http'
      const attributes = { [ATTR_HTTP_REQUEST_METHOD]: method, [ATTR_URL_SCHEME]: scheme }
      const asked = { kind: SpanKind.SERVER, attributes }
      const span = spans.startSpan(method, asked, contextIn(request))
      return {
        within: (work) => current.run(span, work),
        end: (answered) => endRequest(span, answered)
      }
    },

    followOf: createFollowOf(begin, current),

    redisCalls: {
      shared: createRedisCall(begin, current, 'shared'),
      state: createRedisCall(begin, current, 'state')
    },

    mark: (request) => {
      const span = current.getStore()
      if (span !== undefined && !isOver(span) && !request.headersSent) {
        request.setHeader('traceparent', traceparentOf(span))
      }
    },

    close: () =>
      withDeadline(
        CLOSE_WITHIN_MS,
        () => provider.shutdown(),
        () => new Error('late')
      ).catch(() => {})
  }
}
