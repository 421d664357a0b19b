/** The frame around each view: where one can go, who is signed in, and where the focus is after going there. */
import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { hashOf, type Place, placeOf, type Query, type ViewName } from './lib/place.ts'
import { signOut } from './lib/session.ts'
import { useAct } from './lib/use.ts'
import { focusHeading } from './pieces/frame.tsx'
import { Name } from './pieces/name.tsx'
import { ProblemNote } from './pieces/notes.tsx'
import type { Session } from './shapes.ts'
import { Access } from './views/access.tsx'
import { Audit } from './views/audit.tsx'
import { Doctor } from './views/doctor.tsx'
import { Integrations } from './views/integrations.tsx'
import { Keys } from './views/keys.tsx'
import { Overview } from './views/overview.tsx'
import { Sessions } from './views/sessions.tsx'
import { Stores } from './views/stores.tsx'

export interface ViewProps {
  readonly query: Query
  readonly session: Session
}

const PAGES: Readonly<Record<ViewName, readonly [string, ComponentType<ViewProps>]>> = {
  overview: ['Overview', Overview],
  access: ['Access', Access],
  keys: ['Keys', Keys],
  audit: ['Audit', Audit],
  stores: ['Stores and references', Stores],
  integrations: ['Bots and channels', Integrations],
  sessions: ['Sessions', Sessions],
  doctor: ['Doctor', Doctor]
}

const usePlace = (): Place => {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const look = (): void => setPlace(placeOf(location.hash))
    addEventListener('hashchange', look)
    return () => removeEventListener('hashchange', look)
  }, [])
  return place
}

const Who = ({ session }: { readonly session: Session }) => {
  const { isBusy, problem, run } = useAct()
  return (
    <div class="who">
      <span class="dim">Signed in as</span>
      <Name text={session.client} shown={40} />
      <span class="dim">
        {session.environment}, mode {session.mode}
      </span>
      <button type="button" class="small" disabled={isBusy} onClick={() => run(signOut)}>
        Sign out
      </button>
      <ProblemNote problem={problem} />
    </div>
  )
}

const Side = ({ view, session }: { readonly view: ViewName; readonly session: Session }) => (
  <header class="side">
    <span class="brand">
      <img src={document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href} alt="" />
      Purser
    </span>
    <nav aria-label="Views">
      <ul>
        {Object.entries(PAGES).map(([name, [title]]) => (
          <li key={name}>
            <a href={hashOf(name as ViewName)} aria-current={name === view ? 'page' : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
    <Who session={session} />
  </header>
)

/** To the heading of what was gone to; the first view leaves the focus where the browser has it. */
const useFocus = (view: ViewName, takesFirst: boolean): void => {
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${PAGES[view][0]} · Purser`
    if (!isFirst.current || takesFirst) focusHeading()
    isFirst.current = false
  }, [view, takesFirst])
}

interface ShellProps {
  readonly session: Session
  /** Whether somebody was elsewhere in the page before, such as at the sign-in. */
  readonly takesFocus: boolean
}

export const Shell = ({ session, takesFocus }: ShellProps) => {
  const { view, query } = usePlace()
  useFocus(view, takesFocus)
  const [, View] = PAGES[view]
  return (
    <div class="shell">
      {/* No link: the address is the view's. */}
      <button type="button" class="skip" onClick={focusHeading}>
        Skip to the content
      </button>
      <Side view={view} session={session} />
      <main>
        <View key={view} query={query} session={session} />
      </main>
    </div>
  )
}
