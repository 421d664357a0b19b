/** What the page has to say: a problem, that it waits, that there is nothing; and aloud, for who does not see the page. */
import type { ComponentChildren } from 'preact'
import type { Problem } from '../lib/api.ts'
import { createWatched, useWatched } from '../lib/store.ts'
import { visible, words } from '../lib/text.ts'
import type { Asked } from '../lib/use.ts'

const said = createWatched('')

/** Says it to screen readers. */
export const announce = (text: string): void => said.set(text)

export const Announcer = () => (
  <div class="unseen" role="status" aria-live="polite">
    {useWatched(said)}
  </div>
)

const HINTS: ReadonlyMap<string, string> = new Map([
  [
    'insufficient_mode',
    'The key that you signed in with may not do this: its mode does not allow it.'
  ],
  ['insufficient_scope', 'The key has no scope for this: administration needs one of its own.'],
  ['access_denied', 'This is not allowed to you.'],
  ['rate_limited', 'That was too much at once: wait a moment.'],
  ['route_not_found', 'This service does not offer that.'],
  ['session_expired', 'Your session has ended: sign in again, then repeat it.']
])

/** What the API says of a refusal itself leads further than a word on all of them. */
const hintOn = ({ code, hasDetail }: Problem): string | undefined =>
  code === 'access_denied' && hasDetail ? undefined : HINTS.get(code)

export const ProblemNote = ({ problem }: { readonly problem: Problem | undefined }) =>
  problem === undefined ? null : (
    <div class="note bad" role="alert">
      <strong>{hintOn(problem) ?? `${visible(problem.message)}.`}</strong>{' '}
      <span class="small dim">
        {words(problem.code)}
        {problem.requestId !== undefined && `, request ${visible(problem.requestId)}`}
      </span>
    </div>
  )

export const Nothing = ({ children }: { readonly children: ComponentChildren }) => (
  <p class="dim">{children}</p>
)

export interface LoadedProps<T> {
  readonly asked: Asked<T>
  readonly children: (data: T) => ComponentChildren
}

/** What was asked for, once it is there; a problem beside what was there before. */
export const Loaded = <T,>({ asked: { data, problem, isBusy }, children }: LoadedProps<T>) => (
  <>
    <ProblemNote problem={problem} />
    {data === undefined && problem === undefined && isBusy && <p class="dim">Asking…</p>}
    {data !== undefined && children(data)}
  </>
)
