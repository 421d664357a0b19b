/** Ending sessions, after signing in once more. */
import { ask } from '../lib/api.ts'
import { plural } from '../lib/text.ts'
import { useAct } from '../lib/use.ts'
import { Buttons, Dialog } from '../pieces/dialog.tsx'
import { useMasked } from '../pieces/fields.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import { StepUpField, stepUp } from '../pieces/step-up.tsx'
import type { OpenSession } from '../shapes.ts'

export type Ending = { readonly kind: 'one'; readonly one: OpenSession } | { readonly kind: 'own' }

interface Ended {
  /** Absent where one was named. */
  readonly ended?: readonly string[]
  readonly pending?: boolean
}

const WAITS = '; the other replicas follow once Redis answers'

const end = (ending: Ending): Promise<Ended> =>
  ending.kind === 'one'
    ? ask(`/v1/admin/sessions/${ending.one.sessionId}`, { method: 'DELETE' })
    : ask('/v1/admin/sessions', { method: 'DELETE', query: { own: 'true' } })

const About = ({ one }: { readonly one: OpenSession }) => (
  <dl class="facts">
    <dt>Client</dt>
    <dd>
      <Name text={one.client} />
    </dd>
    <dt>Session</dt>
    <dd class="mono">{one.sessionId}</dd>
  </dl>
)

interface EndProps {
  readonly ending: Ending
  readonly onClose: (isChanged: boolean) => void
}

export const EndSessions = ({ ending, onClose }: EndProps) => {
  const own = useMasked()
  const { isBusy, problem, run } = useAct()
  const go = async (): Promise<void> => {
    await stepUp(own)
    const { ended = [''], pending } = await end(ending)
    announce(`${plural(ended.length, 'session')} ended${pending === true ? WAITS : ''}.`)
    onClose(true)
  }
  const isOne = ending.kind === 'one'
  return (
    <Dialog
      title={isOne ? 'End this session?' : 'End all your other sessions?'}
      onClose={() => onClose(false)}
    >
      {isOne && <About one={ending.one} />}
      <p>
        It is refused everywhere from the next request on. Whoever has the key still, or is listed,
        can sign in again.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(go)
        }}
      >
        <StepUpField masked={own} />
        <ProblemNote problem={problem} />
        <Buttons act="End" isDanger isBusy={isBusy} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  )
}
