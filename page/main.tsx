/** The administrators' page: who is not signed in signs in; what one has begun outlives the session's end. */
import { render } from 'preact'
import { useRef } from 'preact/hooks'
import { codeIn } from './lib/place.ts'
import { openSession, standing } from './lib/session.ts'
import { useWatched } from './lib/store.ts'
import { BrowserNote } from './pieces/browser-note.tsx'
import { Announcer } from './pieces/notes.tsx'
import { Shell } from './shell.tsx'
import { SignIn, SignInAgain } from './views/sign-in.tsx'

const Page = () => {
  const now = useWatched(standing)
  const wasOut = useRef(false)
  wasOut.current ||= now.kind === 'out'
  if (now.kind === 'unknown') return <p class="door dim">Asking who is signed in…</p>
  if (now.kind === 'out') return <SignIn why={now.why} />
  const { session, isExpired } = now
  return (
    <>
      {/* Somebody else starts anew. */}
      <Shell
        key={`${session.client} ${session.mode}`}
        session={session}
        takesFocus={wasOut.current}
      />
      {isExpired && <SignInAgain client={session.client} />}
    </>
  )
}

const code = codeIn(location.hash)
// Not for the history: it works once, and no longer than a minute.
if (code !== undefined) history.replaceState(null, '', location.pathname)
openSession(code)
const room = document.getElementById('page')
if (room !== null) {
  // What stands there is for browsers that do not come so far.
  room.replaceChildren()
  render(
    <>
      <Announcer />
      <BrowserNote />
      <Page />
    </>,
    room
  )
}
