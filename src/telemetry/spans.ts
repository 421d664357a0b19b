/**
 * What a span says. Rule: a name and each value is of a closed set; a route is its template, and nothing in a span is a
 * text of a caller or a peer: no URL, no name of a secret or a client, no key.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE
} from '@opentelemetry/semantic-conventions'
import { ProviderFault } from '../core/fault.ts'
import { placeOf, routeParts } from '../core/route-text.ts'
import { type Answered, METHODS } from './meter.ts'

/** Where nobody was answered. */
const GONE = 499

/** The semantic conventions' word for a method that they do not know. */
export const methodOf = (method = ''): string => (METHODS.has(method) ? method : '_OTHER')

export const endRequest = (span: Span, { route, status, code }: Answered): void => {
  if (span.isRecording()) {
    const parts = routeParts(route)
    const template = parts === undefined ? '' : placeOf(parts)
    const known = methodOf(parts?.method)
    const verb = known === '_OTHER' ? 'HTTP' : known
    span.updateName(template === '' ? verb : `${verb} ${template}`)
    span.setAttribute(ATTR_HTTP_REQUEST_METHOD, known)
    if (template !== '') span.setAttribute(ATTR_HTTP_ROUTE, template)
    if (status !== GONE) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status)
    if (code !== undefined) span.setAttribute('purser.code', code)
    // What a caller did wrong is no error of the service.
    if (status >= 500 || code === 'aborted') {
      span.setAttribute(ATTR_ERROR_TYPE, code ?? String(status))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
  }
  span.end()
}

/** Of a call that failed with `error`; undefined: it did not. */
export const endCall = (span: Span, error: unknown): void => {
  if (span.isRecording()) {
    const reason = error instanceof ProviderFault ? error.reason : 'unavailable'
    const outcome = error === undefined ? 'ok' : reason
    span.setAttribute('purser.outcome', outcome)
    // Those two are answers like any other.
    if (outcome !== 'ok' && outcome !== 'not_found' && outcome !== 'conflict') {
      span.setAttribute(ATTR_ERROR_TYPE, outcome)
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
  }
  span.end()
}
