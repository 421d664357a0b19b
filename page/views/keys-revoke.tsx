/** Revoking a key: it takes a word, since nothing brings the key back. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { plural } from '../lib/text.ts'
import { useAct } from '../lib/use.ts'
import { Buttons, Dialog } from '../pieces/dialog.tsx'
import { TextField } from '../pieces/fields.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import type { KeyUse } from '../shapes.ts'

const WORD = 'revoke'

interface Revoked {
  readonly issued?: readonly string[]
  readonly pending?: boolean
}

export const RevokeKey = ({
  use,
  onClose
}: {
  readonly use: KeyUse
  readonly onClose: (isChanged: boolean) => void
}) => {
  const [word, setWord] = useState('')
  const [withIssued, setWithIssued] = useState(false)
  const { isBusy, problem, run } = useAct()
  const revoke = async (): Promise<void> => {
    const { issued = [], pending } = await ask<Revoked>(`/v1/admin/keys/${use.keyId}`, {
      method: 'DELETE',
      query: { issued: withIssued ? 'true' : undefined }
    })
    const others = issued.length > 0 ? ` with ${plural(issued.length, 'key')} that it issued` : ''
    const waits = pending === true ? '; the other replicas follow once Redis answers' : ''
    announce(`The key is revoked${others}${waits}.`)
    onClose(true)
  }
  return (
    <Dialog title="Revoke this key?" onClose={() => onClose(false)}>
      <dl class="facts">
        <dt>Client</dt>
        <dd>
          <Name text={use.client} />
        </dd>
        <dt>Key</dt>
        <dd class="mono">{use.keyId}</dd>
      </dl>
      <p>It is refused everywhere from the next request on, and cannot be brought back.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(revoke)
        }}
      >
        <div class="choices">
          <label>
            <input
              type="checkbox"
              checked={withIssued}
              onChange={({ currentTarget }) => setWithIssued(currentTarget.checked)}
            />
            Also all keys that it has issued
          </label>
        </div>
        <TextField
          label={`Type “${WORD}” to confirm`}
          value={word}
          onText={setWord}
          isRequired
          pattern={`\\s*${WORD}\\s*`}
        />
        <ProblemNote problem={problem} />
        <Buttons act="Revoke" isDanger isBusy={isBusy} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  )
}
