/**
 * Whether a request to a listener of this machine alone names this machine. Rule: a page of another name, which its owner
 * leads to 127.0.0.1 (DNS rebinding), is none of ours.
 */
import type { onRequestHookHandler } from 'fastify'
import { isLoopback } from '../core/network.ts'
import { ProblemError } from '../core/problem.ts'

const hostnameOf = (host: string): string | undefined =>
  URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined

/** `host` is a Host header; `listening` where the listener is bound. */
export const isOwnHost = (host: string, listening: string): boolean => {
  const name = hostnameOf(host)?.replace(/^\[|\]$/g, '')
  return name !== undefined && (isLoopback(name) || name === listening.toLowerCase())
}

/**
 * Undefined where the check says nothing: the listener is open to others, or a proxy of TRUST_PROXY stands before it and
 * hands on the name by which it is known.
 */
export const refuseOtherHosts = (
  listening: string,
  isProxied: boolean
): onRequestHookHandler | undefined =>
  !isLoopback(listening) || isProxied
    ? undefined
    : ({ headers }, _reply, done) =>
        isOwnHost(headers.host ?? '', listening)
          ? done()
          : done(
              new ProblemError('access_denied', { detail: 'the Host header names another machine' })
            )
