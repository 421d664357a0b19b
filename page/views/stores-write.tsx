/** A new version of a secret. Rule: the value is masked, sent once and never shown, and nothing of it comes back. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { visible } from '../lib/text.ts'
import { useAct } from '../lib/use.ts'
import { Buttons, Dialog } from '../pieces/dialog.tsx'
import { MaskedField, TextField, useMasked } from '../pieces/fields.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import { StepUpField, stepUp } from '../pieces/step-up.tsx'
import type { Written } from '../shapes-console.ts'

interface WriteProps {
  /** Empty: the form asks for it. */
  readonly reference: string
  readonly onClose: (isChanged: boolean) => void
}

export const WriteSecret = ({ reference, onClose }: WriteProps) => {
  const [ref, setRef] = useState(reference)
  const value = useMasked()
  const own = useMasked()
  const { isBusy, problem, run } = useAct()
  const write = async (): Promise<void> => {
    // Before anything can go wrong: what is left in the field would be sent with the next attempt.
    const body = { value: value.take() }
    await stepUp(own)
    const { version } = await ask<Written>('/secrets', {
      method: 'PUT',
      query: { ref: ref.trim() },
      body
    })
    announce(`Version ${visible(version)} is written.`)
    onClose(true)
  }
  return (
    <Dialog title="Write a new version" onClose={() => onClose(false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(write)
        }}
      >
        <TextField
          label="Reference"
          isRequired
          placeholder="store:path"
          hint="Without version or field: the value is the whole secret."
          value={ref}
          onText={setRef}
        />
        <MaskedField
          label="Value"
          isLong
          hint="A text, or a JSON object of fields. Type it anew if something goes wrong: it is not kept."
          masked={value}
        />
        <StepUpField masked={own} />
        <ProblemNote problem={problem} />
        <Buttons act="Write" isBusy={isBusy} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  )
}
