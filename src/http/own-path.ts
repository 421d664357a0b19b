/**
 * The spelling of Purser's own paths. Rule: outside its parameters a path is written as it stands here, letter by letter: a
 * proxy that keeps callers from `/internal/` by the raw path must not be got round by `/%69nternal/`.
 */

// The absolute form (RFC 9112, 3.2.2): the router leaves scheme and authority out, and so does this.
const ORIGIN = /^https?:\/\/[^/?#]*/i

/** `template` is the route's, with `:name` for a parameter; `url` as it was sent. */
export const isOwnSpelling = (url: string, template: string): boolean => {
  if (!url.includes('%')) return true
  const [path = ''] = url.replace(ORIGIN, '').split('?', 1)
  const segments = path.split('/')
  return (
    path.startsWith('/') &&
    template.split('/').every((own, i) => own.startsWith(':') || !(segments[i] ?? '').includes('%'))
  )
}
