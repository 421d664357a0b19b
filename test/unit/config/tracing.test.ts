import { test } from 'tap'
import type { Environ } from '../../../src/config/env.ts'
import { readTracing } from '../../../src/config/tracing.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

const on: readonly (readonly [string, Environ, string])[] = [
  ['an endpoint is given', ENDPOINT, 'http/protobuf'],
  [
    'an endpoint of traces is given',
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector.example/v1/traces' },
    'http/protobuf'
  ],
  ['the exporter is named', { OTEL_TRACES_EXPORTER: 'otlp' }, 'http/protobuf'],
  ['it is one of several', { OTEL_TRACES_EXPORTER: 'console, otlp' }, 'http/protobuf'],
  ['a variable is empty', { ...ENDPOINT, OTEL_TRACES_EXPORTER: '' }, 'http/protobuf'],
  ['the SDK is not disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'false' }, 'http/protobuf'],
  ['JSON is asked for', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http/json'],
  [
    'JSON is asked for of traces',
    {
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json'
    },
    'http/json'
  ]
]

for (const [when, environ, protocol] of on) {
  test(`traces are exported where ${when}`, async (t) => {
    t.same(readTracing(environ), { tracing: { protocol }, notes: [] })
  })
}

const off: readonly (readonly [string, Environ])[] = [
  ['nothing is said', {}],
  ['only others are said', { OTEL_SERVICE_NAME: 'x', OTEL_METRICS_EXPORTER: 'otlp' }],
  ['the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'True' }],
  ['no exporter is wanted', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }]
]

for (const [when, environ] of off) {
  test(`no traces are exported where ${when}`, async (t) => {
    t.same(readTracing(environ), { tracing: undefined, notes: [] })
  })
}

const cannot: readonly (readonly [string, Environ])[] = [
  ['OTEL_TRACES_EXPORTER', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin-canary' }],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc-canary' }],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'canary:4317' }],
  [
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'canary' }
  ]
]

for (const [name, environ] of cannot) {
  test(`${name} with what is not understood is no fault: it is told, and there are no traces`, async (t) => {
    const { tracing, notes } = readTracing(environ)
    t.equal(tracing, undefined)
    t.equal(notes.length, 1)
    t.match(notes[0], new RegExp(`^${name}: .*no traces are exported$`))
    t.notMatch(notes[0], 'canary')
  })
}

test('a sampler that the SDK would replace without a word is told', async (t) => {
  const notesOn = (sampler: string, arg?: string) =>
    readTracing({ ...ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg }).notes
  t.match(notesOn('jaeger_remote'), [/^OTEL_TRACES_SAMPLER: /])
  t.match(notesOn('traceidratio', '2'), [/^OTEL_TRACES_SAMPLER_ARG: /])
  t.match(notesOn('parentbased_traceidratio'), [/^OTEL_TRACES_SAMPLER_ARG: /])
  t.same(notesOn('traceidratio', '0.1'), [])
  t.same(notesOn('always_off'), [])
})
