/** Signing in: with an API key, or where a provider is configured, with that. */
import { useEffect, useId, useRef } from 'preact/hooks'
import { giveUp, signIn } from '../lib/session.ts'
import { useAct, useAsk } from '../lib/use.ts'
import { Dialog } from '../pieces/dialog.tsx'
import { MaskedField, useMasked } from '../pieces/fields.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import type { SignInWays } from '../shapes-console.ts'

const KeyForm = () => {
  const key = useMasked()
  const { isBusy, problem, run } = useAct()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        run(async () => {
          await signIn(key.take().trim())
          announce('You are signed in.')
        })
      }}
    >
      <MaskedField
        label="API key"
        hint="A key with the scope of administration. It is exchanged for a session and kept nowhere."
        masked={key}
      />
      <ProblemNote problem={problem} />
      <button type="submit" class="main" disabled={isBusy}>
        Sign in
      </button>
    </form>
  )
}

interface ProvidersProps {
  readonly ways: SignInWays | undefined
  /** What is on the page is to stay. */
  readonly inOtherTab?: boolean
}

const Providers = ({ ways, inOtherTab = false }: ProvidersProps) => (
  <>
    {ways?.providers.map(({ name, path }) => (
      <a
        key={path}
        class="button"
        href={path}
        {...(inOtherTab && { target: '_blank', rel: 'noopener' })}
      >
        Sign in with {name}
        {inOtherTab && ', in another tab'}
      </a>
    ))}
  </>
)

const useWays = (): SignInWays | undefined => useAsk<SignInWays>('/sign-in').data

export const SignIn = ({ why }: { readonly why: string | undefined }) => {
  const heading = useRef<HTMLHeadingElement>(null)
  const id = useId()
  const ways = useWays()
  useEffect(() => {
    document.title = 'Sign in · Purser'
    heading.current?.focus()
  }, [])
  return (
    <main class="door">
      <section class="sheet" aria-labelledby={id}>
        <div class="head">
          <h1 id={id} tabIndex={-1} ref={heading}>
            Sign in to Purser
          </h1>
          {ways !== undefined && <span class="dim">{ways.environment}</span>}
        </div>
        {why !== undefined && <p class="note">{why}</p>}
        <KeyForm />
        <Providers ways={ways} />
      </section>
    </main>
  )
}

/** In front of the page, whose session has ended: what was typed there stays. */
export const SignInAgain = ({ client }: { readonly client: string }) => (
  <Dialog title="Your session has ended" onClose={giveUp}>
    <p>
      Sign in again as <bdi>{client}</bdi> to go on where you were. What you had typed is still
      there, but for masked fields.
    </p>
    <KeyForm />
    <Providers ways={useWays()} inOtherTab />
    <button type="button" class="link" onClick={giveUp}>
      Leave the page instead
    </button>
  </Dialog>
)
