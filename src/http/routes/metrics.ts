/** The figures for whoever scrapes, where METRICS_ENABLED asks for them. Rule: no name of a secret or a client is in them. */
import { Type } from 'typebox'
import type { TypedFastify } from '../route-auth.ts'

export interface MetricsRouteOptions {
  readonly text: () => Promise<string>
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'

export const addMetricsRoute = (app: TypedFastify, { text }: MetricsRouteOptions): void => {
  app.get(
    '/internal/metrics',
    {
      config: { auth: { kind: 'scraper' } },
      schema: {
        operationId: 'metrics',
        summary: 'What there is to measure, as Prometheus reads it, if METRICS_ENABLED',
        response: { 200: { content: { 'text/plain': { schema: Type.String() } } } }
      }
    },
    async (_request, reply) =>
      reply
        .type(TEXT_FORMAT)
        .serializer(String)
        .send(await text())
  )
}
