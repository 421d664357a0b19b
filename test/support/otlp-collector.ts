/** A collector of traces on this machine: keeps what it is sent, as OTLP in JSON has it, and may be slow to answer. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { Test } from 'tap'
import type { Environ } from '../../src/config/env.ts'
import { listen } from './wire.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number }
}

interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code: number }
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

type Values = Readonly<Record<string, string | number | undefined>>

export interface Exported extends Omit<OtlpSpan, 'attributes'> {
  readonly attributes: Values
}

export interface Collector {
  /** The variables that have traces sent here; the SDK finds them in the environment of this process until the test ends. */
  readonly environ: Environ
  /** All that came, byte by byte. */
  readonly bodies: readonly Buffer[]
  readonly headers: readonly IncomingHttpHeaders[]
  readonly spans: () => readonly Exported[]
  /** Of what the spans are. */
  readonly resource: () => Values
  /** The ids of the processes that sent something. */
  readonly instances: () => ReadonlySet<unknown>
  /** Answers what it had taken and not answered, and everything from then on. */
  readonly release: () => void
}

const valuesOf = (attributes: readonly Attribute[]): Values =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)])
  )

/** The variables stand in the environment of this process until the test ends. */
export const setVariables = (t: Test, variables: Environ): Environ => {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  return variables
}

/** Before `release`: `slow` answers nothing, `refusing` refuses everything with a text of its own. */
export const openCollector = async (
  t: Test,
  variables: Environ = {},
  state: 'well' | 'slow' | 'refusing' = 'well'
): Promise<Collector> => {
  const bodies: Buffer[] = []
  const headers: IncomingHttpHeaders[] = []
  const withheld: (() => void)[] = []
  let now = state
  const release = (): void => {
    now = 'well'
    for (const answer of withheld.splice(0)) answer()
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    bodies.push(Buffer.concat(chunks))
    headers.push(request.headers)
    const isKnown = request.method === 'POST' && request.url === '/v1/traces'
    const answer = (): void => {
      response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end('{}')
    }
    if (now === 'slow') withheld.push(answer)
    else if (now === 'refusing') response.writeHead(400, 'canary').end('canary')
    else answer()
  })
  const port = await listen(t, server)
  t.teardown(release)
  const environ = setVariables(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ...variables
  })
  const resourceSpans = () => bodies.flatMap((body) => JSON.parse(`${body}`).resourceSpans)
  return {
    environ,
    bodies,
    headers,
    spans: () =>
      resourceSpans()
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }): OtlpSpan[] => spans)
        .map((span) => ({ ...span, attributes: valuesOf(span.attributes) })),
    resource: () => valuesOf(resourceSpans()[0]?.resource.attributes ?? []),
    instances: () =>
      new Set(
        resourceSpans().map(({ resource }) => valuesOf(resource.attributes)['service.instance.id'])
      ),
    release
  }
}
