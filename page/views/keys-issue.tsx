/** Issuing a key, after signing in once more. Rule: its text is shown once, and forgotten when the dialog closes. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { moment } from '../lib/text.ts'
import { useAct } from '../lib/use.ts'
import { Buttons, Dialog } from '../pieces/dialog.tsx'
import { ChoiceField, TextField, useMasked } from '../pieces/fields.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import { StepUpField, stepUp } from '../pieces/step-up.tsx'
import type { IssuedKey, Session } from '../shapes.ts'

const Issued = ({
  issued,
  onClose
}: {
  readonly issued: IssuedKey
  readonly onClose: () => void
}) => {
  const [isCopied, setCopied] = useState(false)
  const { problem, run } = useAct()
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(issued.apiKey)
    setCopied(true)
    announce('The key is in the clipboard.')
  }
  return (
    <Dialog title="The key is issued" onClose={onClose}>
      <p class="note warn">
        It is shown this once and kept nowhere. Hand it over, then close this.
      </p>
      <p class="secret" data-issued>
        {issued.apiKey}
      </p>
      <dl class="facts">
        <dt>Client</dt>
        <dd>
          <Name text={issued.client} />
        </dd>
        <dt>Key id</dt>
        <dd class="mono">{issued.keyId}</dd>
        <dt>Ends</dt>
        <dd>{issued.expiresAt === undefined ? 'never' : `${moment(issued.expiresAt)} UTC`}</dd>
      </dl>
      <ProblemNote problem={problem} />
      <div class="buttons">
        <button type="button" onClick={() => run(copy)}>
          {isCopied ? 'Copied' : 'Copy the key'}
        </button>
        <button type="button" class="main" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}

const listed = (text: string): string[] => text.split(/[\s,]+/).filter((one) => one !== '')

interface Wanted {
  readonly client: string
  readonly scopes: string
  readonly mode: string
  readonly days: string
  readonly networks: string
}

const bodyOf = ({ client, scopes, mode, days, networks }: Wanted) => ({
  client: client.trim(),
  scopes: listed(scopes),
  mode,
  ...(days !== '' && { expires: `${days}d` }),
  ...(listed(networks).length > 0 && { networks: listed(networks) })
})

const Fields = ({
  wanted,
  set
}: {
  readonly wanted: Wanted
  readonly set: (name: keyof Wanted) => (text: string) => void
}) => (
  <>
    <TextField label="Client" isRequired value={wanted.client} onText={set('client')} />
    <TextField
      label="Scopes"
      isRequired
      hint="Separated by spaces; each has to be one of yours, or of a delegation of your client."
      value={wanted.scopes}
      onText={set('scopes')}
    />
    <div class="row">
      <ChoiceField
        label="Mode"
        value={wanted.mode}
        onText={set('mode')}
        options={[
          ['r', 'r: reads'],
          ['w', 'w: writes'],
          ['rw', 'rw: both']
        ]}
      />
      <TextField
        label="Ends after days"
        value={wanted.days}
        onText={set('days')}
        pattern="[1-9][0-9]{0,4}"
        hint="Empty: with yours."
      />
    </div>
    <TextField
      label="Networks"
      hint="From where it may be used, such as 10.1.0.0/16. Empty: as yours."
      value={wanted.networks}
      onText={set('networks')}
    />
  </>
)

interface IssueProps {
  readonly session: Session
  readonly onClose: (isChanged: boolean) => void
}

export const IssueKey = ({ session, onClose }: IssueProps) => {
  const first = { client: '', scopes: '', mode: 'r', days: '90', networks: '' }
  const [wanted, setWanted] = useState<Wanted>(first)
  const [issued, setIssued] = useState<IssuedKey>()
  const own = useMasked()
  const { isBusy, problem, run } = useAct()
  const set = (name: keyof Wanted) => (text: string) =>
    setWanted((last) => ({ ...last, [name]: text }))
  const issue = async (): Promise<void> => {
    await stepUp(own)
    setIssued(await ask<IssuedKey>('/v1/admin/keys', { method: 'POST', body: bodyOf(wanted) }))
    announce('The key is issued. It is shown this once.')
  }
  if (issued !== undefined) return <Issued issued={issued} onClose={() => onClose(true)} />
  return (
    <Dialog title={`Issue a key for ${session.environment}`} onClose={() => onClose(false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(issue)
        }}
      >
        <Fields wanted={wanted} set={set} />
        <StepUpField masked={own} />
        <ProblemNote problem={problem} />
        <Buttons act="Issue" isBusy={isBusy} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  )
}
