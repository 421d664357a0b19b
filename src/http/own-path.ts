/**
 * The spelling of Purser's own paths. Rule: outside its parameters a path is written as it stands here, letter by letter: a
 * proxy that keeps callers from `/internal/` by the raw path must not be got round by `/%69nternal/`.
 */

/** `template` is the route's, with `:name` for a parameter; `url` as it was sent. */
export const isOwnSpelling = (url: string, template: string): boolean => {
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  if (!path.includes('%')) return true
  const segments = path.split('/')
  return template
    .split('/')
    .every((own, i) => own.startsWith(':') || !(segments[i] ?? '').includes('%'))
}
