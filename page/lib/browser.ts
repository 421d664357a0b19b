/**
 * What the page expects of a browser and cannot do without being less safe. Rule: whoever uses another one is told so, as
 * docs/console.md says; a browser that cannot run the page at all gets a sentence of the document.
 */

/** Of `window`. */
export interface Seen {
  readonly isSecureContext: boolean
  readonly SecurityPolicyViolationEvent?: unknown
}

/** Sentences. `fetchMetadata`: whether the service was told which page asks; undefined until that is known. */
export const lackingIn = (seen: Seen, fetchMetadata: boolean | undefined): readonly string[] => {
  if (!seen.isSecureContext) {
    return [
      'This page did not come by TLS: what you send, and your session, can be read on the way.'
    ]
  }
  return [
    ...(seen.SecurityPolicyViolationEvent === undefined
      ? [
          'This browser does not know Content-Security-Policy: code of others might run in this page.'
        ]
      : []),
    ...(fetchMetadata === false
      ? ['This browser does not say which page asks (Fetch Metadata): use a current one.']
      : [])
  ]
}
